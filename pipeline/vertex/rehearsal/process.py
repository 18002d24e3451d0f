"""Starts a container's command as a process that knows nothing but what a container of the image would."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from configs.errors import JobError
from pipeline.vertex.image import ENVIRONMENT

_GRACE_SECONDS = 5.0
"""Between the request to end and the kill of what does not; Kubernetes allows more, a rehearsal has nothing to save."""


class Processes:
    """All processes of a rehearsal, so that none outlives it."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Prepares an environment.

        Args:
            environment: Variables of the image; None for those of `images/pipeline`.
        """
        self._environment = dict(ENVIRONMENT if environment is None else environment)
        # `python` is this interpreter, as in the image it is that of the environment the package is installed in.
        self._environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    def run(self, command: Sequence[str], work_dir: Path, log_file: Path) -> int:
        """Runs one command to its end.

        Args:
            command: Program and arguments.
            work_dir: Its working directory and home; made empty.
            log_file: Where its output goes, after what is there.

        Returns:
            The exit status; negative for a signal.

        Raises:
            JobError: The program is not there, or an argument is longer than the kernel allows.
        """
        if work_dir.exists():
            shutil.rmtree(work_dir)
        work_dir.mkdir(parents=True)
        with log_file.open("ab") as log:
            try:
                with self._lock:
                    if self._stopped.is_set():
                        return -signal.SIGTERM
                    process = subprocess.Popen(
                        command,
                        cwd=work_dir,
                        env={**self._environment, "HOME": str(work_dir)},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,  # its own children end with it, and Ctrl-C reaches us alone
                    )
                    self._running.add(process)
            except OSError as e:
                raise JobError(f"{command[0]!r} cannot be started ({e.strerror}).") from e
        try:
            return process.wait()
        finally:
            _signal(process, signal.SIGKILL)  # what it left behind
            with self._lock:
                self._running.discard(process)

    def pause(self, seconds: float) -> None:
        """Waits, but not longer than until all is stopped."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Ends all of them, and starts no further one."""
        with self._lock:
            self._stopped.set()
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
            _signal(process, signal.SIGKILL)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
