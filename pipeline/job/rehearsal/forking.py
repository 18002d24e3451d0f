"""Starts the program `fork_server`, sends it requests, and learns when a forked process ends."""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import count
from multiprocessing import Pipe
from pathlib import Path

from common.errors import JobError

_PREFIX = ("python", "-m")
_PACKAGE = "tfx."
"""Prefix of the modules that run in forked processes: they need only a process, and their imports are slow."""

_LONGEST_ARGUMENT_BYTES, _LONGEST_COMMAND_BYTES = 100_000, 1_000_000
"""Below the kernel's limits. Longer commands start as programs, so that the kernel refuses them as in a container."""

_ENDED = "the process that tasks are forked from has ended; run the rehearsal again."


def can_fork(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Whether a command does the same in a forked process as in one that is started as a program.

    Args:
        command: Program and arguments.
        variables: Its variables, without those that all tasks have. A library may read one when it is imported, so a
            command with variables of its own is started as a program.
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
    """The process of a task; it has the methods of `subprocess.Popen` that are used here."""

    def __init__(self, pid: int, ended: "Future[int]") -> None:
        """Keeps what the server reports.

        Args:
            pid: The process id, which is also the session id.
            ended: Gets the exit status; negative for a signal.
        """
        self.pid = pid
        self._ended = ended

    def wait(self, timeout: float | None = None) -> int:
        """Waits until the process ends.

        Args:
            timeout: Seconds. None: no limit.

        Returns:
            The exit status; negative for a signal.

        Raises:
            JobError: The server has ended, so the status is unknown.
            subprocess.TimeoutExpired: The process is still running.
        """
        try:
            return self._ended.result(timeout)
        except FutureTimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0) from None


class ForkServer:
    """One process that imports the libraries of tasks once, and is forked for each task."""

    def __init__(self, environment: Mapping[str, str], keep_open: Collection[int]) -> None:
        """Starts the process. It returns at once; the imports take seconds.

        Args:
            environment: Variables of all tasks, without HOME and TMPDIR.
            keep_open: File descriptors that the tasks inherit.
        """
        self._environment = dict(environment)
        # Libraries that read HOME when they are imported find an empty folder, as in a task.
        self._home = tempfile.TemporaryDirectory(prefix="rehearsal-")
        self._connection, theirs = Pipe()
        program = Path(__file__).with_name("fork_server.py").read_text(encoding="utf-8")
        self._process = subprocess.Popen(
            # Passed as text, not as a file: Python would search the file's folder first for modules.
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
        """Waits until the server can fork.

        Returns:
            False if it has ended instead. Then tasks are started as programs, and their own errors show what is wrong.
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
            command: A command for which `can_fork` is true.
            environment: All variables.
            work_dir: Its working directory.
            log_file: The file to which its output is appended.

        Raises:
            JobError: The server has ended.
        """
        number, started = next(self._numbers), Future[ForkedProcess]()
        with self._lock:
            if self._gone:
                raise JobError(_ENDED)
            self._started[number] = started
            try:
                self._connection.send(
                    (number, str(work_dir), str(log_file), dict(environment), command[2], list(command[3:]))
                )
            except OSError as e:  # it has ended, and the listener has not noticed it yet
                del self._started[number]
                raise JobError(_ENDED) from e
        return started.result()

    def give_up(self, seconds: float) -> None:
        """Ends the server if it is still importing, or if it starts no tasks, so that nobody has to wait for it.

        Args:
            seconds: Time for the tasks that it was asked for. One that was just forked would be left behind without it:
                only the server knows its process id.
        """
        with self._lock:
            asked_for = list(self._started.values())
        if not self._ready.done() or wait(asked_for, seconds).not_done:
            self._process.kill()

    def close(self) -> None:
        """Ends the server. Tasks that still run are not ended."""
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
