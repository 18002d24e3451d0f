"""Calls the services of Vertex that a push and a rollback use, and waits for their long-running operations."""

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
"""Pause between two looks at an operation, which takes minutes."""

_WAITING_ATTEMPTS, _WAITING_SECONDS = 60, 15 * 60.0
"""How long to wait while Google Cloud does not answer: a quarter of an hour, as for a run. The operation goes on."""

_sleep = time.sleep
_clock = time.monotonic


class RegistryApi(Api):
    """Google Cloud with the settings of one config, with its models and Endpoints."""

    @classmethod
    def of(cls, target: Target) -> "RegistryApi":
        """Creates it for a task of the pipeline, which has no config; a target has all the settings that are needed."""
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
    """Another operation that is not done yet; the new operation must wait for it."""

    operation: str
    """Its resource name."""


def carried_out(api: RegistryApi, doing: str, begin: Callable[[dict[str, Any]], Any], seconds: float) -> Any:
    """Begins a long-running operation and waits until it is done.

    The API's patience limits only the call that begins the operation. The operation goes on by itself, so errors during
    the wait are no reason to begin another one. An operation that ends with a temporary error is begun again.

    Args:
        api: Google Cloud.
        doing: What the operation does, in words that go after `cannot`.
        begin: Takes the keyword arguments for a client's method, and looks first at what exists. Returns the operation,
            or None if there is nothing left to do, or AtWork if it must be called again a little later.
        seconds: How long to wait in all; the operation goes on after that.

    Returns:
        The operation's result, or None.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or the operation is not done in time.
    """
    patience = replace(api.patience, attempts=_WAITING_ATTEMPTS, total_seconds=_WAITING_SECONDS)
    patient, impatient = RegistryApi(api.vertex, patience), RegistryApi(api.vertex, replace(api.patience, attempts=1))
    until, attempts, is_waiting = _clock() + seconds, 0, False
    while True:
        operation = (patient if is_waiting else api).call(doing, begin)
        if operation is None:
            return None
        is_waiting = isinstance(operation, AtWork)
        if isinstance(operation, AtWork):
            if _clock() > until:
                raise _too_long(operation.operation, seconds)
            _sleep(_LOOK_SECONDS)
            continue
        if not _wait(patient, doing, operation, until):
            raise _too_long(operation.operation.name, seconds)
        error, attempts = operation.exception(), attempts + 1
        if error is None or attempts == api.patience.attempts or not is_transient(error):
            return impatient.call(doing, partial(_result, operation))
        _sleep(_LOOK_SECONDS)


def at_work(client: Any, resource: str, options: Mapping[str, Any]) -> AtWork | None:
    """Finds an operation on a resource that is not done: one whose reply was lost, or one of another process.

    Args:
        client: A client of the service that has the resource.
        resource: The resource's name; it may not exist yet.
        options: The keyword arguments for a client's method.
    """
    token = ""
    while True:
        try:
            found = client.list_operations(request={"name": resource, "page_token": token}, **options)
        except (exceptions.NotFound, exceptions.Forbidden, exceptions.BadRequest):
            # The resource does not exist yet, or the account may not list operations. That is no reason to stop: the
            # callers also look at the resource itself.
            return None
        for operation in found.operations:
            if not operation.done:
                return AtWork(operation.name)
        if not (token := found.next_page_token):
            return None


def afresh(once: Callable[[], _Result]) -> _Result:
    """Reads and changes a resource, and does it again if somebody else changed it in between (409: etag differs)."""
    try:
        return once()
    except exceptions.Conflict:
        return once()


def _wait(patient: RegistryApi, doing: str, operation: Any, until: float) -> bool:
    """Waits for an operation; tells whether it was done in time."""

    def is_done(options: Mapping[str, Any]) -> bool:
        try:
            return bool(operation.done())
        except exceptions.RetryError as e:  # the client's own retries ended after some seconds
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
        f"{operation} has not finished after {seconds / 60:g} minutes and continues. The served model has not "
        "changed. Run again when it has finished: the new run continues from there."
    )


def plain(message: Any) -> Any:
    """Returns a message of the API as a plain protobuf message, without proto-plus's wrapper.

    Messages inside a reply are usually wrapped. They are not with protobuf 3.20, after the result of a long-running
    operation was read over REST: json_format then makes new classes, which proto-plus does not know. In the plain
    message, times are Timestamps. This may go with the TFX line that needs protobuf 3.20.
    """
    return type(message).pb(message) if hasattr(type(message), "pb") else message
