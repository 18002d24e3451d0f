"""Maps HTTP and JSON to protos and back by https://google.aip.dev/127; refuses requests that do not fit."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf import json_format
from google.protobuf.message import Message

from tests.vertex_api.faults import STATUS

Handler = Callable[[Any], Any]
"""Maps a request's proto (proto-plus) to the answer: proto-plus, a plain proto, JSON values, or a Reply."""


class ApiError(Exception):
    """The error by which a handler refuses a request."""

    def __init__(self, code: int, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or []

    def body(self) -> dict[str, Any]:
        """The google.rpc.Status in its HTTP form."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "status": STATUS.get(self.code, "UNKNOWN"),
                "details": self.details,
            }
        }


@dataclass(frozen=True)
class Reply:
    """The answer of a method that is not a proto: its body as it is, and headers."""

    body: bytes
    headers: dict[str, str]


@dataclass
class Route:
    """One method of a service."""

    rpc: str
    """The method's name, such as `CreatePipelineJob`."""

    method: str
    """The HTTP method."""

    path: str
    """The path in the API's reference, such as `/v1/{parent=projects/*/locations/*}/pipelineJobs`."""

    request: Any
    """The proto-plus class of the request. None: the handler gets path, query and form as a dict of strings, and with
    `body` also the values of the JSON body."""

    handler: Handler

    body: str | None = None
    """The request's field that the body holds; `*` for the whole request, None for no body."""

    _variables: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        pattern, rest = "", self.path
        while match := re.search(r"\{([\w.]+)(?:=([^}]*))?\}", rest):
            self._variables.append(match[1])
            inner = re.escape(match[2] or "*").replace(r"\*\*", ".+").replace(r"\*", "[^/:]+")
            pattern += f"{re.escape(rest[: match.start()])}({inner})"
            rest = rest[match.end() :]
        self._pattern = re.compile(pattern + re.escape(rest))

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path variables; None if the path is not of this route."""
        found = self._pattern.fullmatch(path) if method == self.method else None
        return dict(zip(self._variables, found.groups(), strict=True)) if found else None

    def parse(self, variables: dict[str, str], query: str, body: bytes) -> Any:
        """Parses a request.

        Raises:
            ApiError: 400, if a field is not in the proto, or its value is not of its type.
        """
        asked = dict(parse_qsl(query, keep_blank_values=True))
        asked.pop("$alt", None)
        if self.request is None:
            sent = dict(parse_qsl(body.decode())) if self.body is None else {self.body: json.loads(body)}
            return {**asked, **sent, **variables}
        message = self.request.pb(self.request())
        try:
            values: dict[str, Any] = json.loads(body) if self.body == "*" else {}
            if self.body not in (None, "*"):
                values[self.body] = json.loads(body)
            elif self.body is None and body:
                raise ApiError(400, f"{self.rpc} has no body; received {body[:80]!r}")
            for name, value in [*asked.items(), *variables.items()]:
                _put(message.DESCRIPTOR, values, name.split("."), value)
            json_format.ParseDict(values, message)
        except (json_format.ParseError, ValueError, KeyError, TypeError) as e:
            raise ApiError(400, f"{self.rpc}: {e}") from e
        return self.request.wrap(message)


def _put(descriptor: Any, values: dict[str, Any], path: list[str], value: str) -> None:
    """Writes a parameter of the URL to its place in the JSON of the request."""
    found = descriptor.fields_by_name.get(path[0]) or descriptor.fields_by_camelcase_name.get(path[0])
    if found is None:
        raise ValueError(f"{descriptor.full_name} has no field {path[0]!r}")
    if len(path) > 1:
        key = found.name if found.name in values else found.camelcase_name
        _put(found.message_type, values.setdefault(key, {}), path[1:], value)
        return
    if found.type == found.TYPE_BOOL:
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{path[0]} is a bool; received {value!r}")
        values[found.camelcase_name] = value.lower() == "true"
    elif found.type == found.TYPE_ENUM and value.isdigit():
        values[found.camelcase_name] = int(value)
    else:
        values[found.camelcase_name] = value


def to_json(answer: Any) -> bytes:
    """The body of an answer."""
    if isinstance(answer, Reply):
        return answer.body
    if isinstance(answer, Message):
        return json_format.MessageToJson(answer).encode()
    if hasattr(type(answer), "pb"):
        return json_format.MessageToJson(type(answer).pb(answer)).encode()
    return json.dumps(answer).encode()
