"""Starts the service's own programs, as forks of a process that has imported their libraries.

TensorFlow takes seconds to import, and each new version needs a process. Without this, a swap of versions, or a restart
after a crash, would take these seconds from the requests.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import BinaryIO, cast

from common.errors import ForkError
from common.forking import ForkServer

_KEPT_BYTES = 4000
"""Of what a process writes to standard error: enough for a traceback's end."""

_REPORT_SECONDS = 5.0
"""Time for a fork server to say what has become of a process. It takes milliseconds; one that says nothing hangs."""


class LastWords:
    """The end of what a process writes to standard error, read while it runs, so that it never waits for a reader."""

    def __init__(self) -> None:
        self._kept = b""

    async def read(self, stderr: BinaryIO) -> None:
        """Reads until nobody can write any more, and closes the file."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stderr)
        try:
            while words := await reader.read(_KEPT_BYTES):
                self._kept = (self._kept + words)[-_KEPT_BYTES:]
        finally:
            transport.close()

    def after(self, message: str) -> str:
        """Returns a message with these words behind it, if there are any."""
        words = self._kept.decode(errors="replace").strip()
        return f"{message}; its last words: {words}" if words else message


class Fork:
    """A process that `Forks` starts. It ends with this one, however that ends: see `service.ending`.

    Attributes:
        words: The end of what it writes to standard error.
        ended: Done when the process has ended: its exit status, negative for a signal; None if nobody knows it, because
            the fork server has ended before.
    """

    def __init__(self, server: ForkServer, module: str, arguments: Sequence[str]) -> None:
        """Asks the server for the process; `started` waits for it.

        Raises:
            ForkError: The server has ended.
            OSError: Too many files are open.
        """
        self._server = server
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            stdin, self._stdin = _pipe(theirs, ours)  # never written; the process ends when it is closed
            stderr, writer = _pipe(ours, theirs)
            nothing = theirs.enter_context(open(os.devnull, "wb"))
            files = (stdin.fileno(), nothing.fileno(), writer.fileno())
            started = server.start(module, arguments, environment=os.environ, folder=os.getcwd(), files=files)
            ours.pop_all()
        self._started = asyncio.wrap_future(started)
        self.words = LastWords()
        self.ended: asyncio.Task[int | None] = asyncio.ensure_future(self._watch(stderr))

    async def started(self) -> None:
        """Waits until the process runs.

        Raises:
            ForkError: The server has ended. Nothing is left.
        """
        try:
            await asyncio.shield(self._started)
        except BaseException:  # also of a task that is cancelled: nobody else knows the process
            await self.end()
            raise

    @property
    def pid(self) -> int:
        """The process's id, once it runs."""
        return self._started.result().pid

    async def end(self, grace_seconds: float = 0.0) -> None:
        """Ends the process and waits for its end.

        Args:
            grace_seconds: Time between SIGTERM and SIGKILL; at 0 there is no SIGTERM.
        """
        if grace_seconds and not self.ended.done():
            self._signal(signal.SIGTERM)
            await asyncio.wait({self.ended}, timeout=grace_seconds)
        if not self.ended.done():
            self._signal(signal.SIGKILL)
        self._stdin.close()
        if not self.ended.done():
            await asyncio.wait({self.ended}, timeout=_REPORT_SECONDS)
        if not self.ended.done():
            self._server.kill()
        await self.ended

    def _signal(self, number: signal.Signals) -> None:
        # Before it is started, only the server knows its id: then the closed standard input ends it.
        if self._started.done() and self._started.exception() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _watch(self, stderr: BinaryIO) -> int | None:
        await self.words.read(stderr)  # to the end of the process, also where the server does not tell of it
        try:
            process = await asyncio.shield(self._started)
            return await asyncio.wrap_future(process.ended)
        except ForkError:
            return None
        finally:
            self._stdin.close()


class Forks:
    """Starts processes of one program. Used by one event loop."""

    def __init__(self, module: str, libraries: Sequence[str], environment: Mapping[str, str]) -> None:
        """Prepares; nothing runs yet.

        Args:
            module: The program, as in `python -m`. It must call `service.ending.end_with_stdin`.
            libraries: What it imports and takes long to import. It must not be the module itself.
            environment: Variables that the libraries read when they are imported, beside those of this process.
        """
        self._module, self._libraries, self._environment = module, libraries, environment
        self._server: ForkServer | None = None
        self._words = LastWords()
        self._listening: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Starts the fork server, unless it runs, so that its imports do not wait for the first process.

        Raises:
            ForkError: It cannot be started.
        """
        if self._server is not None:
            if not self._server.has_ended:
                return
            self._server.close()
        self._words = LastWords()
        try:
            with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
                stderr, writer = _pipe(ours, theirs)
                self._server = ForkServer(
                    self._libraries,
                    {**os.environ, **self._environment},
                    folder=os.getcwd(),
                    stderr=writer.fileno(),
                )
                ours.pop_all()
        except OSError as e:
            raise ForkError(f"a process cannot be started: {e}") from e
        self._listening = asyncio.ensure_future(self._words.read(stderr))

    async def start(self, arguments: Sequence[str]) -> Fork:
        """Starts a process, and a fork server before it if none runs.

        Args:
            arguments: The program's arguments.

        Raises:
            ForkError: It cannot be started, with the fork server's last words.
        """
        with contextlib.suppress(ForkError):  # somebody has killed the server, perhaps just now; a new one may do
            return await self._start(arguments)
        try:
            return await self._start(arguments)
        except ForkError as e:
            if self._listening is not None:
                await asyncio.wait({self._listening}, timeout=_REPORT_SECONDS)
            raise ForkError(self._words.after(str(e))) from e

    async def close(self) -> None:
        """Ends the fork server; its processes must have ended."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listening is not None:
            await self._listening
            self._listening = None

    async def _start(self, arguments: Sequence[str]) -> Fork:
        self.prepare()
        server = cast(ForkServer, self._server)
        await asyncio.wrap_future(server.ready)
        try:
            fork = Fork(server, self._module, arguments)
        except OSError as e:
            raise ForkError(f"a process cannot be started: {e}") from e
        await fork.started()
        return fork


def _pipe(reads: contextlib.ExitStack, writes: contextlib.ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """Opens a pipe, the ends of which these close."""
    reader, writer = os.pipe()
    return reads.enter_context(open(reader, "rb", 0)), writes.enter_context(open(writer, "wb", 0))
