"""The services of Vertex that a push and a rollback ask."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from common.errors import VertexError
from configs.vertex.section import Vertex
from configs.vertex.target import Target
from pipeline.cloud.client import Api
from pipeline.cloud.retrying import is_transient

_Result = TypeVar("_Result")

_LOOK_SECONDS = 5.0
"""Between two looks at an operation, which takes minutes."""

_WAITING_ATTEMPTS, _WAITING_SECONDS = 60, 15 * 60.0
"""An operation goes on by itself: a quarter of an hour without an answer is waited through, as for a run."""

_sleep = time.sleep
_clock = time.monotonic


class RegistryApi(Api):
    """Google Cloud as one config sees it, with its models and Endpoints."""

    @classmethod
    def of(cls, target: Target) -> "RegistryApi":
        """As a task of the pipeline sees it, which has no config: what is asked of Vertex needs no more of it."""
        return cls(Vertex.model_construct(**target.model_dump(include={"project", "region", "api_endpoint"})))

    @cached_property
    def models(self) -> Any:
        """Vertex's ModelService."""
        return self.client(v1.ModelServiceClient)

    @cached_property
    def endpoints(self) -> Any:
        """Vertex's EndpointService."""
        return self.client(v1.EndpointServiceClient)


class AtWork(NamedTuple):
    """Stands in for an operation: another one is not done, and has to be waited for."""

    operation: str
    """Its resource name."""


def carried_out(api: RegistryApi, doing: str, begin: Callable[[dict[str, Any]], Any], seconds: float) -> Any:
    """Begins a long-running operation and waits until it is done.

    Only what begins it is asked under the API's patience: an operation goes on by itself, so faults while it is waited
    for are no reason to begin another. One that ends with a fault that may pass is begun again.

    Args:
        api: Google Cloud.
        doing: What, in words that go after `cannot`.
        begin: Gets the keyword arguments for a client's method. Returns the operation; None if there is nothing left to
            do; or AtWork, to be called again a little later. It looks first at what is there.
        seconds: How long is waited in all; the operation goes on beyond that.

    Returns:
        The operation's result, or None.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or it is not done by then.
    """
    patience = replace(api.patience, attempts=_WAITING_ATTEMPTS, total_seconds=_WAITING_SECONDS)
    patient, told = RegistryApi(api.vertex, patience), RegistryApi(api.vertex, replace(api.patience, attempts=1))
    until, attempts, is_waiting = _clock() + seconds, 0, False
    while True:
        began = (patient if is_waiting else api).call(doing, begin)
        if began is None:
            return None
        is_waiting = isinstance(began, AtWork)
        if isinstance(began, AtWork):
            if _clock() > until:
                raise _too_long(began.operation, seconds)
            _sleep(_LOOK_SECONDS)
            continue
        if not _wait(patient, doing, began, until):
            raise _too_long(began.operation.name, seconds)
        error, attempts = began.exception(), attempts + 1
        if error is None or attempts == api.patience.attempts or not is_transient(error):
            return told.call(doing, partial(_result, began))
        _sleep(_LOOK_SECONDS)


def at_work(client: Any, resource: str, options: Mapping[str, Any]) -> AtWork | None:
    """An operation on a resource that is not done: one whose reply was lost, or another process's.

    Args:
        client: Of the service that has the resource.
        resource: Its name; it may not be there yet.
        options: The keyword arguments for a client's method.
    """
    token = ""
    while True:
        try:
            found = client.list_operations(request={"name": resource, "page_token": token}, **options)
        except (exceptions.NotFound, exceptions.Forbidden, exceptions.BadRequest):
            # There is no such resource yet, or the account may not list: no reason to stop, what there is to do is
            # looked at besides.
            return None
        for operation in found.operations:
            if not operation.done:
                return AtWork(operation.name)
        if not (token := found.next_page_token):
            return None


def afresh(once: Callable[[], _Result]) -> _Result:
    """Reads and changes once more where somebody else changed the same between the two (409: the etag is another)."""
    try:
        return once()
    except exceptions.Conflict:
        return once()


def _wait(patient: RegistryApi, doing: str, operation: Any, until: float) -> bool:
    """Whether it is done by then."""

    def is_done(options: Mapping[str, Any]) -> bool:
        try:
            return bool(operation.done())
        except exceptions.RetryError as e:  # the client's own further attempts ended, after seconds
            raise e.cause or e from e

    while not patient.call(doing, is_done):
        if _clock() > until:
            return False
        _sleep(_LOOK_SECONDS)
    return True


def _result(operation: Any, options: Mapping[str, Any]) -> Any:
    return operation.result()


def _too_long(operation: str, seconds: float) -> VertexError:
    return VertexError(
        f"{operation} is not done after {seconds / 60:g} minutes and goes on. What was served still is. Run again when "
        "it is done: that goes on from there."
    )


def plain(message: Any) -> Any:
    """A message of the API as protobuf has it, without proto-plus's wrapper.

    What is inside a reply comes wrapped, or, with protobuf 3.20 after the answer of a long-running operation was read
    over REST, does not: json_format makes further classes then, which proto-plus does not know. Moments differ too:
    here they are Timestamps. May go with the TFX line that needs protobuf 3.20.
    """
    return type(message).pb(message) if hasattr(type(message), "pb") else message
