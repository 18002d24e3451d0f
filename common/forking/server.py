"""Starts the program that forks, sends it requests, and learns when a forked process ends."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from common.errors import ForkError

_PROGRAM = Path(__file__).with_name("program.py")

T = TypeVar("T")


def _future() -> "Future[T]":
    """A future that nobody can cancel, such as a task that waits for it and is cancelled itself."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    return future


class ForkedProcess:
    """A forked process; `wait` is that of `subprocess.Popen`.

    Attributes:
        pid: The process id, which is also the session id.
        ended: Gets the exit status, negative for a signal; or ForkError if the server has ended, so that nobody knows.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: Future[int] = _future()

    def wait(self, timeout: float | None = None) -> int:
        """Waits until the process ends.

        Args:
            timeout: Seconds. None: no limit.

        Returns:
            The exit status; negative for a signal.

        Raises:
            ForkError: The server has ended, so the status is unknown.
            subprocess.TimeoutExpired: The process is still running.
        """
        try:
            return self.ended.result(timeout)
        except FutureTimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0) from None


class ForkServer:
    """One process that imports libraries once, and is forked on request. Safe to use from many threads.

    Attributes:
        ready: Done once it can fork; ForkError if it has ended instead.
    """

    def __init__(
        self,
        libraries: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: str | Path,
        keep_open: Collection[int] = (),
        stderr: int = subprocess.DEVNULL,
    ) -> None:
        """Starts the process. It returns at once; the imports take seconds.

        Args:
            libraries: Modules to import. What cannot be imported is left to the forked processes.
            environment: All variables, for what libraries read when they are imported.
            folder: Its working directory, where Python also looks for modules.
            keep_open: File descriptors that the forked processes inherit.
            stderr: Where the libraries' own messages go.

        Raises:
            OSError: It cannot be started.
        """
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(theirs.fileno()), *libraries],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
                pass_fds=(*keep_open, theirs.fileno()),
            )
        self._numbers = count()
        self._lock = threading.Lock()
        self.ready: Future[None] = _future()
        self._started: dict[int, Future[ForkedProcess]] = {}
        self._running: dict[int, ForkedProcess] = {}
        self._gone = False
        self._listener = threading.Thread(target=self._listen, name="fork-server", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be forked any more."""
        with self._lock:
            return self._gone

    @property
    def asked_for(self) -> list["Future[ForkedProcess]"]:
        """The processes that it was asked for and has not forked yet."""
        with self._lock:
            return list(self._started.values())

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: str | Path,
        files: tuple[int, int, int],
    ) -> "Future[ForkedProcess]":
        """Asks for a process that runs `python -m MODULE ARGUMENTS` in a session of its own.

        Args:
            module: The module.
            arguments: Its arguments.
            environment: All its variables. What a library reads when it is imported is the server's.
            folder: Its working directory.
            files: File descriptors of its standard input, output and error; the caller may close them afterwards.

        Returns:
            The process, once it runs; ForkError if the server ends before.

        Raises:
            ForkError: The server has ended.
        """
        number = next(self._numbers)
        started: Future[ForkedProcess] = _future()
        request = json.dumps([number, str(folder), dict(environment), module, list(arguments)]).encode()
        with self._lock:
            if self._gone:
                raise ForkError("the process to be forked has ended")
            self._started[number] = started
            try:
                socket.send_fds(self._channel, [len(request).to_bytes(4, "big")], files)
                self._channel.sendall(request)
            except OSError as e:  # it has ended, and the listener has not noticed it yet
                del self._started[number]
                raise ForkError("the process to be forked has ended") from e
        return started

    def kill(self) -> None:
        """Ends the server. Processes that it has forked are not ended."""
        self._process.kill()

    def close(self) -> None:
        """Ends the server and waits for its end. Processes that it has forked are not ended."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._channel.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._channel.makefile("rb") as messages:
            for line in messages:
                if not line.endswith(b"\n"):
                    break  # it was killed in the middle
                self._take(*json.loads(line))
        self._process.wait()
        with self._lock:
            self._gone = True
        gone = ForkError(f"the process to be forked has ended with status {self._process.returncode}")
        ended = [process.ended for process in self._running.values()]
        waiting: list[Future[Any]] = [self.ready, *self._started.values(), *ended]
        for each in waiting:
            if not each.done():
                each.set_exception(gone)

    def _take(self, what: str, number: int = 0, value: int = 0) -> None:
        if what == "ready":
            self.ready.set_result(None)
        elif what == "started":
            process = self._running[value] = ForkedProcess(value)
            with self._lock:
                started = self._started.pop(number)
            started.set_result(process)
        else:
            self._running.pop(number).ended.set_result(value)
