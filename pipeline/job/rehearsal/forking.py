"""The other end of `fork_server`: starts it, and knows when what it has forked ends."""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import count
from multiprocessing import Pipe
from pathlib import Path

from common.errors import JobError

_PREFIX = ("python", "-m")
_PACKAGE = "tfx."
"""Whose modules are run in forked processes: they are written for nothing but a process, and import what is dear."""

_LONGEST_ARGUMENT_BYTES, _LONGEST_COMMAND_BYTES = 100_000, 1_000_000
"""Below what the kernel allows: a longer command is left to it, which refuses what it would refuse in a container."""


def can_fork(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a command does in a forked process what it does in one that is started as a program.

    Args:
        command: Program and arguments.
        variables: Its variables besides those that all tasks have. A library may read one when it is imported, so a
            command that has any is started as a program.
    """
    lengths = [len(part.encode(errors="surrogateescape")) for part in command]
    return (
        tuple(command[:2]) == _PREFIX
        and len(command) > 2
        and command[2].startswith(_PACKAGE)
        and not variables
        and max(lengths) <= _LONGEST_ARGUMENT_BYTES
        and sum(lengths) <= _LONGEST_COMMAND_BYTES
        and not any("\0" in part for part in command)
    )


class ForkedProcess:
    """A task's process; has what `subprocess.Popen` has of it."""

    def __init__(self, pid: int, ended: "Future[int]") -> None:
        """Takes what the server says.

        Args:
            pid: Its number, which is also its session's.
            ended: Gets its exit status; negative for a signal.
        """
        self.pid = pid
        self._ended = ended

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it ends.

        Args:
            timeout: Seconds. None: as long as it takes.

        Returns:
            The exit status; negative for a signal.

        Raises:
            JobError: The server is gone, and with it what it knew.
            subprocess.TimeoutExpired: It runs on.
        """
        try:
            return self._ended.result(timeout)
        except FutureTimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0) from None


class ForkServer:
    """One process that imports the libraries of tasks once, and is forked for each task."""

    def __init__(self, environment: Mapping[str, str], keep_open: Collection[int]) -> None:
        """Starts it; its imports take seconds, during which other things can be done.

        Args:
            environment: Of all tasks, but for their HOME and TMPDIR.
            keep_open: File descriptors that the tasks inherit.
        """
        self._environment = dict(environment)
        # Libraries that look into HOME when they are imported find an empty one, as in a task.
        self._home = tempfile.TemporaryDirectory(prefix="rehearsal-")
        self._connection, theirs = Pipe()
        program = Path(__file__).with_name("fork_server.py").read_text(encoding="utf-8")
        self._process = subprocess.Popen(
            # Not as a file: its folder would be the first that modules are looked for in.
            [sys.executable, "-c", program, str(theirs.fileno())],
            cwd=self._home.name,
            env={**self._environment, "HOME": self._home.name, "TMPDIR": self._home.name},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(*keep_open, theirs.fileno()),
        )
        theirs.close()
        self._numbers = count()
        self._lock = threading.Lock()
        self._ready: Future[None] = Future()
        self._started: dict[int, Future[ForkedProcess]] = {}
        self._ended: dict[int, Future[int]] = {}
        self._gone = False
        self._listener = threading.Thread(target=self._listen, name="fork-server", daemon=True)
        self._listener.start()

    def is_ready(self) -> bool:
        """Waits until it can fork.

        Returns:
            False if it has ended instead: then tasks are started as programs, and say themselves what is wrong.
        """
        with contextlib.suppress(CancelledError):
            self._ready.result()
        with self._lock:
            return not self._gone

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], work_dir: Path, log_file: Path
    ) -> ForkedProcess:
        """Forks a task.

        Args:
            command: One that `can_fork`.
            environment: All variables.
            work_dir: Its working directory.
            log_file: Where its output goes, after what is there.

        Raises:
            JobError: The server is gone.
        """
        number, started = next(self._numbers), Future[ForkedProcess]()
        with self._lock:
            if self._gone:
                raise JobError("the process that tasks are forked from has ended; run the rehearsal again.")
            self._started[number] = started
            self._connection.send(
                (number, str(work_dir), str(log_file), dict(environment), command[2], list(command[3:]))
            )
        return started.result()

    def give_up(self) -> None:
        """Ends it if it has not forked yet, so that nobody has to wait for its imports."""
        if not self._ready.done():
            self._process.kill()

    def close(self) -> None:
        """Ends the server. Tasks are no longer known to it."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._connection.close()
        self._home.cleanup()

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                what, number, value = self._connection.recv()
                if what == "ready":
                    self._ready.set_result(None)
                elif what == "started":
                    ended = self._ended[value] = Future()
                    self._started.pop(number).set_result(ForkedProcess(value, ended))
                else:
                    self._ended.pop(number).set_result(value)
        with self._lock:
            self._gone = True
        self._ready.cancel()
        gone = JobError("the process that tasks are forked from was killed; run the rehearsal again.")
        for started in self._started.values():
            started.set_exception(gone)
        for ended in self._ended.values():
            ended.set_exception(gone)
