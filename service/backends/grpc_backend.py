"""Asks a model by TensorFlow Serving's protocol: in the model process beside this one, or in a server of its own.

One channel a backend; gRPC keeps its connection and connects again by itself. Every request names the version's number,
so that a server that has moved on to another version refuses it.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from common.errors import ConfigError
from configs.service.backend import TfServing
from service.backends.backend import BackendError, BackendRefusedError, BackendUnavailableError, Tensor
from service.backends.retries import NobodyAnswersError, with_retries
from service.protos import messages
from service.protos.tensors import read_tensor, write_tensor

_POLL_SECONDS = 0.05
"""Time between two questions whether a version is ready."""

_REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,  # an unknown signature
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
}
"""What the same request would get again."""

_OPTIONS = [
    # gRPC's own limit is 4 MiB: less than the embeddings of 16,000 items.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A ping on an idle connection finds one that a firewall or load balancer has dropped. gRPC's servers close
    # connections with more than one ping in five minutes.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC waits for one second and more after a lost connection, which most of a request's deadline would go to.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class GrpcBackend:
    """One version of a model behind TensorFlow Serving's protocol. Create it in a running event loop.

    Args:
        address: `HOST:PORT` or `unix:PATH`.
        model_name: The model's name there.
        version: The version's number.
        credentials: For an encrypted connection; None for a plain one.
    """

    def __init__(
        self, address: str, model_name: str, version: int, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        self._address, self._model_name, self._version = address, model_name, version
        self._is_closed = False
        if credentials is None:
            self._channel = aio.insecure_channel(address, _OPTIONS)
        else:
            self._channel = aio.secure_channel(address, credentials, _OPTIONS)
        self._predict = self._method(messages.PREDICT, messages.PredictRequest, messages.PredictResponse)
        self._get_status = self._method(
            messages.GET_MODEL_STATUS, messages.GetModelStatusRequest, messages.GetModelStatusResponse
        )

    @classmethod
    def of(cls, server: TfServing, version: int) -> "GrpcBackend":
        """The backend of a config.

        Args:
            server: The config.
            version: The version's number.

        Raises:
            ConfigError: A file of certificates cannot be read.
        """
        credentials = None
        if server.is_encrypted:
            credentials = grpc.ssl_channel_credentials(
                _content(server.ca_file), _content(server.key_file), _content(server.certificate_file)
            )
        return cls(server.address, server.model_name, version, credentials)

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        """Asks one signature: see `Backend.predict`."""
        request = messages.PredictRequest()
        self._name(request.model_spec)
        request.model_spec.signature_name = signature
        try:
            for name, array in inputs.items():
                write_tensor(array, request.inputs[name])
        except TypeError as e:
            raise BackendRefusedError(f"{signature}: {e}") from e
        response = await with_retries(functools.partial(self._attempt, request), timeout_seconds)
        try:
            return {name: read_tensor(proto) for name, proto in response.outputs.items()}
        except ValueError as e:
            raise BackendUnavailableError(f"{self._described()} answers {signature} with what is no tensor: {e}") from e

    async def status(self, *, timeout_seconds: float) -> str:
        """Asks for the state of the version.

        Args:
            timeout_seconds: Time for the answer.

        Returns:
            A name of `ModelVersionStatus.State`, such as `AVAILABLE` or `LOADING`; `UNKNOWN` if the server does not
            know the version.

        Raises:
            BackendUnavailableError: There is no answer within the time.
        """
        request = messages.GetModelStatusRequest()
        self._name(request.model_spec)
        try:
            response = await self._get_status(request, timeout=timeout_seconds)
        except aio.AioRpcError as e:
            if e.code() == grpc.StatusCode.NOT_FOUND:
                return "UNKNOWN"
            raise self._error(e, "its status") from None
        state: str = messages.ModelVersionStatus.State.Name(response.model_version_status[0].state)
        return state

    async def wait_until_ready(self, *, timeout_seconds: float) -> None:
        """Waits until the version is AVAILABLE.

        Args:
            timeout_seconds: How long.

        Raises:
            BackendUnavailableError: It is not, within the time; or it has ended.
        """
        end = time.monotonic() + timeout_seconds
        state = "UNKNOWN"
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(BackendUnavailableError):  # it may not listen yet
                state = await self.status(timeout_seconds=left)
            if state == "AVAILABLE":
                return
            if state == "END":
                raise BackendUnavailableError(f"{self._described()} has ended: see the server's log")
            await asyncio.sleep(_POLL_SECONDS)
        raise BackendUnavailableError(
            f"{self._described()} is not available after {timeout_seconds:g} s; its state is {state}"
        )

    async def close(self) -> None:
        """Ends the connection; requests that are on their way fail."""
        self._is_closed = True
        await self._channel.close()

    def _method(self, path: str, request: Any, response: Any) -> Any:
        return self._channel.unary_unary(path, request.SerializeToString, response.FromString)

    def _name(self, spec: Any) -> None:
        spec.name = self._model_name
        spec.version.value = self._version

    def _described(self) -> str:
        return f"version {self._version} of the model {self._model_name} at {self._address}"

    async def _attempt(self, request: Any, timeout_seconds: float) -> Any:
        try:
            if not self._is_closed:
                return await self._predict(request, timeout=timeout_seconds)
        except asyncio.CancelledError:
            # gRPC cancels its calls when the channel is closed, and the task that asked does not know of it.
            if not self._is_closed:
                raise
        except aio.AioRpcError as e:
            # Not `from e`: its text has what the server says, which may hold parts of the inputs.
            raise self._error(e, f"the signature {request.model_spec.signature_name}") from None
        raise BackendUnavailableError(f"the connection to {self._described()} has been closed")

    def _error(self, error: aio.AioRpcError, what: str) -> BackendError:
        code, message = error.code(), f"{self._described()} did not answer {what}: {error.code().name}"
        if code == grpc.StatusCode.UNAVAILABLE:
            return NobodyAnswersError(message, error.details() or "")
        kind = BackendRefusedError if code in _REFUSED else BackendUnavailableError
        return kind(message, error.details() or "")


def _content(file: str | None) -> bytes | None:
    try:
        return None if file is None else Path(file).read_bytes()
    except OSError as e:
        raise ConfigError(f"service.tf_serving: cannot read {file}: {e.strerror}") from e
