"""Runs a model process for one version, and asks it.

The process is a fork of one that has imported TensorFlow, which this process must not: see `service.forks`. It ends
with this process, however that ends.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping

from common.errors import ForkError, MachineError
from service.backends.backend import BackendUnavailableError, Tensor
from service.backends.grpc_backend import GrpcBackend
from service.forks import Fork, Forks
from service.model_process import ENVIRONMENT

_MODEL_NAME = "model"
_LONGEST_PATH = 100
"""Bytes; Linux takes 107 for a socket (unix(7))."""


def model_processes() -> Forks:
    """What model processes are started by."""
    libraries = ("service.model_process.saved_model", "service.model_process.server")
    return Forks("service.model_process", libraries, ENVIRONMENT)


class LocalModel:
    """A model process: a Backend. `LocalModel.start` makes one."""

    def __init__(self, version: int, process: Fork, folder: str) -> None:
        self.version = version
        self._process, self._folder = process, folder
        self._backend = GrpcBackend(_address(folder), _MODEL_NAME, version)
        self._is_closing = False

    @classmethod
    async def start(
        cls,
        processes: Forks,
        folder: str,
        version: int,
        *,
        timeout_seconds: float,
        on_exit: Callable[[BackendUnavailableError], None] | None = None,
    ) -> "LocalModel":
        """Starts a process and waits until the model answers.

        Args:
            processes: `model_processes()`.
            folder: The version's folder, on this machine.
            version: The version's number.
            timeout_seconds: How long that may take.
            on_exit: Called in the event loop, with the reason, if the process later ends without being asked to.

        Raises:
            BackendUnavailableError: The process has ended, with the end of what it wrote to standard error; or the
                model does not answer within the time, and the process is ended.
            MachineError: The path of the folder for temporary files is too long for a socket.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_seconds
        private = tempfile.mkdtemp(prefix="perennial-")  # 0700
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, private, ignore_errors=True)
            if len(os.fsencode(_address(private))) > _LONGEST_PATH:
                raise MachineError(
                    f"the path of a socket in {tempfile.gettempdir()} would be too long; set TMPDIR to a shorter folder"
                )
            arguments = ["--address", _address(private), "--model-name", _MODEL_NAME, "--end-with-stdin"]
            starting = processes.start([*arguments, f"{version}={folder}"])
            try:
                model = cls(version, await asyncio.wait_for(starting, timeout_seconds), private)
            except ForkError as e:
                raise BackendUnavailableError(f"cannot start a model process: {e}") from e
            except asyncio.TimeoutError as e:
                raise BackendUnavailableError(
                    f"the model process of version {version} is not there after {timeout_seconds:g} s"
                ) from e
            undo.pop_all()
        try:
            await model._wait_until_ready(end - loop.time())
        except BaseException:  # also of a task that is cancelled: nobody else knows the process
            await model.close(grace_seconds=0)
            raise
        if on_exit is not None:
            model._call_at_exit(on_exit)
        return model

    @property
    def address(self) -> str:
        """Where the process listens, as gRPC writes it."""
        return _address(self._folder)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        """Asks one signature: see `Backend.predict`. Once the process has ended, the answer is an error at once."""
        if self._process.ended.done():
            raise self._exit_error()
        return await self._backend.predict(signature, inputs, timeout_seconds=timeout_seconds)

    async def close(self, *, grace_seconds: float = 10.0) -> None:
        """Ends the process and waits for its end.

        Args:
            grace_seconds: Time for requests that it has; then it is killed.
        """
        self._is_closing = True
        await self._process.end(grace_seconds)
        await self._backend.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _wait_until_ready(self, timeout_seconds: float) -> None:
        ready = asyncio.ensure_future(self._backend.wait_until_ready(timeout_seconds=timeout_seconds))
        try:
            await asyncio.wait({ready, self._process.ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._process.ended.done():
                raise self._exit_error()
            await ready
        finally:
            ready.cancel()

    def _call_at_exit(self, on_exit: Callable[[BackendUnavailableError], None]) -> None:
        def ended(_: "asyncio.Future[int | None]") -> None:
            if not self._is_closing:
                on_exit(self._exit_error())

        self._process.ended.add_done_callback(ended)

    def _exit_error(self) -> BackendUnavailableError:
        status = self._process.ended.result()
        how = "" if status is None else f" with status {status}"
        return BackendUnavailableError(
            self._process.words.after(f"the model process of version {self.version} has ended{how}")
        )


def _address(folder: str) -> str:
    return f"unix:{folder}/model.sock"
