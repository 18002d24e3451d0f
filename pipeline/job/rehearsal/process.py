"""Starts a container's command as a process that is given nothing but what a container of the image would have.

It is no container: absolute paths lead to this machine's files, and the network is there.
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

from common.errors import JobError
from pipeline.ground.image import ENVIRONMENT
from pipeline.job.rehearsal.forking import ForkedProcess, ForkServer, can_fork

_GRACE_SECONDS = 5.0
"""Between the request to end and the kill of what does not; Kubernetes allows more, a rehearsal has nothing to save."""


_Process = subprocess.Popen[bytes] | ForkedProcess


class Processes:
    """All processes of a rehearsal, so that none of their sessions outlives it.

    Modules of TFX run in forks of a process that has imported the libraries; everything else is started as a program.
    Both get the same environment, working directory and session.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, keep_open: Collection[int] = ()) -> None:
        """Prepares an environment.

        Args:
            environment: Variables of the image; None for those of `images/pipeline`.
            keep_open: File descriptors that the processes inherit, such as that of a lock: it is held for as long as
                any of them lives, should this one be killed.
        """
        self._environment = dict(ENVIRONMENT if environment is None else environment)
        # `python` is this interpreter, as in the image it is that of the environment the package is installed in.
        self._environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        self._keep_open = tuple(keep_open)
        self._lock = threading.Lock()
        self._running: set[_Process] = set()
        self._stopped = threading.Event()
        self._server: ForkServer | None = None

    def __enter__(self) -> "Processes":
        """The processes themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends what processes are forked from."""
        if self._server is not None:
            self._server.close()

    @property
    def stopped(self) -> bool:
        """Whether all were stopped: what ended since then did not end by itself."""
        return self._stopped.is_set()

    def run(self, command: Sequence[str], work_dir: Path, log_file: Path, variables: Mapping[str, str]) -> int:
        """Runs one command to its end.

        Args:
            command: Program and arguments.
            work_dir: Its working directory and home; made empty.
            log_file: Where its output goes, after what is there.
            variables: Of the environment, besides the image's.

        Returns:
            The exit status; negative for a signal, and for a command that did not end before all were stopped.

        Raises:
            JobError: The program is not there, or an argument is longer than the kernel allows.
        """
        if work_dir.exists():
            shutil.rmtree(work_dir)
        work_dir.mkdir(parents=True)
        # Not below the working directory: sockets there would have names longer than the kernel allows.
        with log_file.open("ab") as log, tempfile.TemporaryDirectory(prefix="rehearsal-") as temporary:
            own = {"HOME": str(work_dir), "TMPDIR": temporary}
            environment = {**self._environment, **variables, **own}
            server = self._fork_server() if can_fork(command, variables) else None
            if server is not None:
                process = self._started(lambda: server.start(command, environment, work_dir, log_file))
            else:
                process = self._started(lambda: self._program(command, environment, work_dir, log.fileno()))
            if process is None:
                return -signal.SIGTERM
            try:
                status = process.wait()
            finally:
                _signal(process, signal.SIGKILL)  # what it left behind
                with self._lock:
                    self._running.discard(process)
        return -signal.SIGTERM if self.stopped else status

    def prepare_forks(self) -> None:
        """Starts the imports of what tasks are forked from, which else begin with the first task."""
        with self._lock:
            if self._server is None and not self.stopped:
                self._server = ForkServer(self._environment, self._keep_open)

    def _fork_server(self) -> ForkServer | None:
        """The process to fork from; None if there is none, or all is stopped."""
        self.prepare_forks()
        server = self._server
        return server if server is not None and server.is_ready() else None

    def _started(self, start: Callable[[], _Process]) -> _Process | None:
        """Starts a process that `stop` knows of; None once all is stopped."""
        with self._lock:
            if self.stopped:
                return None
            process = start()
            self._running.add(process)
            return process

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
                start_new_session=True,  # its own children end with it, and Ctrl-C reaches us alone
                pass_fds=self._keep_open,
            )
        except (OSError, ValueError) as e:  # ValueError: a null byte
            reason = e.strerror if isinstance(e, OSError) else e
            longest = max(map(len, command))
            raise JobError(
                f"{command[0]!r} cannot be started ({reason}); its longest argument has {longest} characters."
            ) from e

    def pause(self, seconds: float) -> None:
        """Waits, but not longer than until all is stopped."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Ends all of them, and starts no further one."""
        with self._lock:
            self._stopped.set()
            running = list(self._running)
            if self._server is not None:
                self._server.give_up()
        try:
            for process in running:
                _signal(process, signal.SIGTERM)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired, JobError):  # JobError: nobody knows of it any more
                    process.wait(_GRACE_SECONDS)
        finally:  # also if somebody does not want to wait
            for process in running:
                _signal(process, signal.SIGKILL)


def _signal(process: _Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
