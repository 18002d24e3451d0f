"""Starts a container's command as a process, with only the variables and files that a container would have.

The process is not a container: absolute paths lead to this machine's files, and the network can be reached.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from common.errors import ForkError, JobError
from common.forking import ForkedProcess
from pipeline.ground.image import ENVIRONMENT
from pipeline.job.rehearsal.forking import TaskServer, can_fork

_GRACE_SECONDS = 5.0
"""Time between SIGTERM and SIGKILL, and for the server to fork. Kubernetes allows more, but nothing has to be saved."""


_Process = subprocess.Popen[bytes] | ForkedProcess


class Processes:
    """All processes of a rehearsal; none of their sessions outlives it.

    Modules of TFX run in forks of a process that has imported the libraries; everything else is started as a program.
    Both get the same environment, working directory and session.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, keep_open: Collection[int] = ()) -> None:
        """Prepares an environment.

        Args:
            environment: Variables of the image; None for those of `images/pipeline`.
            keep_open: File descriptors that the processes inherit, such as that of a lock: if this process is killed,
                the lock is held while any of the others is alive.
        """
        self._environment = dict(ENVIRONMENT if environment is None else environment)
        # `python` is this interpreter. In the image, too, `python` is the one with which the package is installed.
        self._environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        self._keep_open = tuple(keep_open)
        self._lock = threading.Lock()
        self._running: set[_Process] = set()
        self._stopped = threading.Event()
        self._server: TaskServer | None = None

    def __enter__(self) -> "Processes":
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the fork server."""
        if self._server is not None:
            self._server.close()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called: processes that end after that did not end by themselves."""
        return self._stopped.is_set()

    def run(self, command: Sequence[str], work_dir: Path, log_file: Path, variables: Mapping[str, str]) -> int:
        """Runs one command to its end.

        Args:
            command: Program and arguments.
            work_dir: Its working directory and home; it is emptied first.
            log_file: The file to which its output is appended.
            variables: Variables of the environment, in addition to the image's.

        Returns:
            The exit status; negative for a signal, and for a command that was still running at `stop`.

        Raises:
            JobError: The program does not exist, or an argument is longer than the kernel allows; or the process that
                tasks are forked from was killed.
        """
        if work_dir.exists():
            shutil.rmtree(work_dir)
        work_dir.mkdir(parents=True)
        # Not below the working directory: paths of sockets there would be longer than the kernel allows.
        with log_file.open("ab") as log, tempfile.TemporaryDirectory(prefix="rehearsal-") as temporary:
            own = {"HOME": str(work_dir), "TMPDIR": temporary}
            environment = {**self._environment, **variables, **own}
            server = self._fork_server() if can_fork(command, variables) else None
            if server is not None:
                process = self._started(lambda: server.start(command, environment, work_dir, log.fileno()))
            else:
                process = self._started(lambda: self._program(command, environment, work_dir, log.fileno()))
            if process is None:
                return -signal.SIGTERM
            try:
                status = process.wait()
            except ForkError as e:
                raise JobError("the process that tasks are forked from was killed; run the rehearsal again.") from e
            finally:
                _signal(process, signal.SIGKILL)  # children that it has left behind
                with self._lock:
                    self._running.discard(process)
        return -signal.SIGTERM if self.stopped else status

    def prepare_forks(self) -> None:
        """Starts the fork server, so that its imports do not wait for the first task."""
        with self._lock:
            if self._server is None and not self.stopped:
                self._server = TaskServer(self._environment, self._keep_open)

    def _fork_server(self) -> TaskServer | None:
        """The fork server; None if it has ended, or `stop` was called."""
        self.prepare_forks()
        server = self._server
        return server if server is not None and server.is_ready() else None

    def _started(self, start: Callable[[], _Process]) -> _Process | None:
        """Starts a process and registers it for `stop`; None after `stop`.

        The start does not hold the lock: it may take long, and `stop` must not wait for it.
        """
        if self.stopped:
            return None
        process = start()
        with self._lock:
            if not self.stopped:
                self._running.add(process)
                return process
        _end([process])
        return None

    def _program(
        self, command: Sequence[str], environment: Mapping[str, str], work_dir: Path, log: int
    ) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                command,
                cwd=work_dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its children end with it, and Ctrl-C reaches only this process
                pass_fds=self._keep_open,
            )
        except (OSError, ValueError) as e:  # ValueError: a null byte
            reason = e.strerror if isinstance(e, OSError) else e
            longest = max(map(len, command))
            raise JobError(
                f"{command[0]!r} cannot be started ({reason}); its longest argument has {longest} characters."
            ) from e

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond `stop`."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Ends all processes; no further one can start, and one that is just starting is ended by its thread."""
        with self._lock:
            self._stopped.set()
            running = list(self._running)
        try:
            _end(running)
        finally:
            if self._server is not None:
                self._server.give_up(_GRACE_SECONDS)  # last: the server reports how its tasks end


def _end(processes: Sequence[_Process]) -> None:
    """Asks processes to end, and kills those that have not ended in time."""
    try:
        for process in processes:
            _signal(process, signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired, ForkError):  # ForkError: nobody knows its status
                process.wait(_GRACE_SECONDS)
    finally:  # also if the wait is interrupted
        for process in processes:
            _signal(process, signal.SIGKILL)


def _signal(process: _Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
