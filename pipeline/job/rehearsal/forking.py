"""Says which tasks run in forks, and of what: importing TFX's libraries takes longer than most tasks."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import wait
from pathlib import Path

from common.errors import ForkError, JobError
from common.forking import ForkedProcess, ForkServer

_LIBRARIES = (
    "tensorflow",
    "apache_beam",
    "apache_beam.runners.portability.fn_api_runner",
    "tfx.components",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_entrypoint_utils",
    "tensorflow_recommenders",
    "tensorflow_transform.beam",
    "jinja2",
    "matplotlib.figure",
    "pyarrow.parquet",
    "pydantic",
    "scipy.sparse",
    "yaml",
)
"""Libraries that TFX's tasks and ours import, and nothing of the rehearsed package: each task imports that itself."""

_PREFIX = ("python", "-m")
_PACKAGE = "tfx."
"""Prefix of the modules that run in forked processes: they need only a process, and their imports are slow."""

_LONGEST_ARGUMENT_BYTES, _LONGEST_COMMAND_BYTES = 100_000, 1_000_000
"""Below the kernel's limits. Longer commands start as programs, so that the kernel refuses them as in a container."""


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


class TaskServer:
    """The process of which tasks are forks."""

    def __init__(self, environment: Mapping[str, str], keep_open: Collection[int]) -> None:
        """Starts the process. It returns at once; the imports take seconds.

        Args:
            environment: Variables of all tasks, without HOME and TMPDIR.
            keep_open: File descriptors that the tasks inherit.
        """
        # Libraries that read HOME when they are imported find an empty folder, as in a task.
        self._home = tempfile.TemporaryDirectory(prefix="rehearsal-")
        name = self._home.name
        self._forks = ForkServer(
            _LIBRARIES, {**environment, "HOME": name, "TMPDIR": name}, folder=name, keep_open=keep_open
        )

    def is_ready(self) -> bool:
        """Waits until the server can fork.

        Returns:
            False if it has ended instead. Then tasks are started as programs, and their own errors show what is wrong.
        """
        return self._forks.ready.exception() is None and not self._forks.has_ended

    def start(self, command: Sequence[str], environment: Mapping[str, str], work_dir: Path, log: int) -> ForkedProcess:
        """Forks a task.

        Args:
            command: A command for which `can_fork` is true.
            environment: All variables.
            work_dir: Its working directory.
            log: File descriptor of the file for its output.

        Raises:
            JobError: The server has ended.
        """
        try:
            with open("/dev/null", "rb") as nothing:
                files = (nothing.fileno(), log, log)
                return self._forks.start(
                    command[2], command[3:], environment=environment, folder=work_dir, files=files
                ).result()
        except ForkError as e:
            raise JobError(f"{e}; run the rehearsal again.") from e

    def give_up(self, seconds: float) -> None:
        """Ends the server if it is still importing, or if it starts no tasks, so that nobody has to wait for it.

        Args:
            seconds: Time for the tasks that it was asked for. One that was just forked would be left behind without it:
                only the server knows its process id.
        """
        if not self._forks.ready.done() or wait(self._forks.asked_for, seconds).not_done:
            self._forks.kill()

    def close(self) -> None:
        """Ends the server. Tasks that still run are not ended."""
        self._forks.close()
        self._home.cleanup()
