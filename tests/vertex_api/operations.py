"""Simulates long-running operations (https://google.aip.dev/151), and defines the two names of the one project."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2
from google.rpc import status_pb2

from tests.vertex_api.resources import PROJECT, page
from tests.vertex_api.rest import ApiError, Route

NUMBER = "123456789"
"""The project's id and number: Vertex takes the id in requests, and answers with the number."""

_KINDS = ("models", "endpoints")


def by_id(name: str) -> str:
    """A resource's name with the project's id."""
    return name.replace(f"projects/{NUMBER}/", f"projects/{PROJECT}/")


def by_number(name: str) -> str:
    """A resource's name with the project's number."""
    return name.replace(f"projects/{PROJECT}/", f"projects/{NUMBER}/")


def plain(message: Any) -> Any:
    """A message without proto-plus's wrapper.

    The services here keep such messages and merge them by `fill`: after json_format has read or written an Any,
    protobuf 3.20 has two classes for one message, and refuses to merge one into the other.
    """
    return type(message).pb(message) if hasattr(type(message), "pb") else message


def new(message_class: Any) -> Any:
    """Makes an empty message of a proto-plus class, without the wrapper."""
    return message_class.pb(message_class())


def fill(goal: Any, source: Any) -> Any:
    """Merges a message into another of the same type, even if their classes differ; returns the goal."""
    goal.MergeFromString(plain(source).SerializeToString())
    return goal


@dataclass
class _Running:
    rest: int
    """Number of further requests until the operation is done."""

    operation: operations_pb2.Operation
    effect: Callable[[], Any]


class Operations:
    """Operations take effect when they are done: by default before their reply is written, which says `not done`."""

    def __init__(self) -> None:
        self.looks = 0
        """Number of further requests until a new operation is done."""

        self._failures: dict[str, deque[tuple[int, str]]] = defaultdict(deque)
        self._running: list[_Running] = []
        self._all: dict[str, operations_pb2.Operation] = {}

    def routes(self) -> list[Route]:
        # The service has two paths for operations; the REST client uses the first.
        places = [(base, f"projects/*/locations/*/{kind}/*") for base in ("ui", "v1") for kind in _KINDS]
        one = [
            Route("GetOperation", "GET", f"/{base}/{{name={name}/operations/*}}", None, self._get)
            for base, name in places
        ]
        return one + [
            Route("ListOperations", "GET", f"/{b}/{{name={name}}}/operations", None, self._list) for b, name in places
        ]

    def fail(self, rpc: str, code: int, message: str) -> None:
        """Makes the next operation of a method end with an error of `google.rpc.Code`, after it was accepted."""
        self._failures[rpc].append((code, message))

    def start(self, rpc: str, resource: str, effect: Callable[[], Any]) -> operations_pb2.Operation:
        """Starts an operation; `effect` does the requested change and returns the proto of the response."""
        operation = operations_pb2.Operation(name=f"{by_number(resource)}/operations/{len(self._all) + 1}")
        self._all[by_id(operation.name)] = operation
        reply = operations_pb2.Operation(name=operation.name)
        if self._failures[rpc]:
            code, message = self._failures[rpc].popleft()
            operation.done = True
            operation.error.CopyFrom(status_pb2.Status(code=code, message=message))
        else:
            self._running.append(_Running(self.looks, operation, effect))
            self._finish()
        return reply

    def tick(self) -> None:
        """Counts a request: operations advance by one step."""
        for each in self._running:
            each.rest -= 1
        self._finish()

    def is_at_work(self, resource: str) -> bool:
        """Whether an operation on this resource is not done."""
        return any(by_id(each.operation.name).startswith(f"{by_id(resource)}/") for each in self._running)

    def _finish(self) -> None:
        for each in [each for each in self._running if each.rest <= 0]:
            self._running.remove(each)
            response = each.effect()
            each.operation.done = True
            each.operation.response.Pack(plain(response))

    def _list(self, asked: dict[str, str]) -> operations_pb2.ListOperationsResponse:
        self.tick()
        inside = [each for name, each in self._all.items() if name.startswith(f"{by_id(asked['name'])}/operations/")]
        # Two on a page, so that a client that reads only one page fails.
        found, token = page(inside, 0, asked.get("pageToken", ""), largest=2)
        return operations_pb2.ListOperationsResponse(operations=found, next_page_token=token)

    def _get(self, asked: dict[str, str]) -> operations_pb2.Operation:
        self.tick()
        if by_id(asked["name"]) not in self._all:
            raise ApiError(404, f"{asked['name']} does not exist")
        return self._all[by_id(asked["name"])]
