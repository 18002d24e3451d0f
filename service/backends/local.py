"""Runs a model process for one version, and asks it.

The process is started as a new program, never as a fork of this one: gRPC's threads do not survive a fork. It ends with
this process, however that ends.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping

from common.errors import MachineError
from service.backends.backend import BackendUnavailableError, Tensor
from service.backends.grpc_backend import GrpcBackend

_MODEL_NAME = "model"
_LONGEST_PATH = 100
"""Bytes; Linux takes 107 for a socket (unix(7))."""

_KEPT_BYTES = 4000
"""Of the process's standard error: enough for a traceback's end."""


class LocalModel:
    """A model process: a Backend. `LocalModel.start` makes one."""

    def __init__(
        self,
        version: int,
        process: asyncio.subprocess.Process,
        folder: str,
        on_exit: Callable[[BackendUnavailableError], None] | None,
    ) -> None:
        self.version = version
        self._process, self._folder, self._on_exit = process, folder, on_exit
        self._backend = GrpcBackend(_address(folder), _MODEL_NAME, version)
        self._last_words = b""
        self._is_closing = False
        self._ended = asyncio.ensure_future(self._watch())

    @classmethod
    async def start(
        cls,
        folder: str,
        version: int,
        *,
        timeout_seconds: float,
        on_exit: Callable[[BackendUnavailableError], None] | None = None,
    ) -> "LocalModel":
        """Starts a process and waits until the model answers.

        Args:
            folder: The version's folder, on this machine.
            version: The version's number.
            timeout_seconds: How long that may take.
            on_exit: Called in the event loop, with the reason, if the process later ends without being asked to.

        Raises:
            BackendUnavailableError: The process has ended, with the end of what it wrote to standard error; or the
                model does not answer within the time, and the process is ended.
            MachineError: The path of the folder for temporary files is too long for a socket.
        """
        private = tempfile.mkdtemp(prefix="perennial-")  # 0700
        if len(os.fsencode(_address(private))) > _LONGEST_PATH:
            os.rmdir(private)
            raise MachineError(
                f"the path of a socket in {tempfile.gettempdir()} would be too long; set TMPDIR to a shorter folder"
            )
        model = await cls._spawn(folder, version, private)
        try:
            await model._wait_until_ready(timeout_seconds)
        except BaseException:  # also of a task that is cancelled: nobody else knows the process
            await model.close(grace_seconds=0)
            raise
        model._on_exit = on_exit
        return model

    @classmethod
    async def _spawn(cls, folder: str, version: int, private: str) -> "LocalModel":
        arguments = ["--address", _address(private), "--model-name", _MODEL_NAME, "--end-with-stdin"]
        spawning = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                sys.executable,
                *["-m", "service.model_process", *arguments, f"{version}={folder}"],
                stdin=asyncio.subprocess.PIPE,  # never written; the process ends when this end of it is closed
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in a terminal is for this process, which then closes the model
            )
        )
        try:
            return cls(version, await asyncio.shield(spawning), private, None)
        except asyncio.CancelledError:
            # uvloop would leave a process that is being started when its task is cancelled.
            await cls(version, await spawning, private, None).close(grace_seconds=0)
            raise
        except OSError as e:
            os.rmdir(private)
            raise BackendUnavailableError(f"cannot start a model process: {e}") from e

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
        if self._ended.done():
            raise self._exit_error()
        return await self._backend.predict(signature, inputs, timeout_seconds=timeout_seconds)

    async def close(self, *, grace_seconds: float = 10.0) -> None:
        """Ends the process and waits for its end.

        Args:
            grace_seconds: Time for requests that it has; then it is killed.
        """
        self._is_closing = True
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await asyncio.wait({self._ended}, timeout=grace_seconds)
            if not self._ended.done():
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await self._ended
        await self._backend.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _wait_until_ready(self, timeout_seconds: float) -> None:
        ready = asyncio.ensure_future(self._backend.wait_until_ready(timeout_seconds=timeout_seconds))
        try:
            await asyncio.wait({ready, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                raise self._exit_error()
            await ready
        finally:
            ready.cancel()

    async def _watch(self) -> None:
        """Reads what the process writes, so that it never waits for a reader, until it ends."""
        assert self._process.stderr is not None
        while words := await self._process.stderr.read(_KEPT_BYTES):
            self._last_words = (self._last_words + words)[-_KEPT_BYTES:]
        await self._process.wait()
        if self._on_exit is not None and not self._is_closing:
            self._on_exit(self._exit_error())

    def _exit_error(self) -> BackendUnavailableError:
        words = self._last_words.decode(errors="replace").strip()
        return BackendUnavailableError(
            f"the model process of version {self.version} has ended with status {self._process.returncode}"
            + (f"; its last words: {words}" if words else "")
        )


def _address(folder: str) -> str:
    return f"unix:{folder}/model.sock"
