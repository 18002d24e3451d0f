"""Starts tasks by forking a process that has already imported their libraries: the imports take longer than most tasks.

The text of this file is run as a program, so that it imports nothing of the rehearsed package: each task imports that
itself. Its only argument is the file descriptor of a connection. It needs only Python.

It imports the libraries and does not use them: TensorFlow starts threads with its first operation, and a forked process
has no copies of them.
"""

import contextlib
import gc
import importlib
import os
import runpy
import signal
import sys
import tempfile
from multiprocessing.connection import Connection

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
"""Libraries that TFX's tasks and ours import. One that is not installed is skipped; a task that needs it then fails."""

_POLL_SECONDS = 0.02
"""Time between two checks whether tasks have ended."""


def main() -> None:
    """Imports the libraries and forks on request; a forked process then continues like `python -m`."""
    module, arguments = _serve(Connection(int(sys.argv[1])))
    sys.argv[1:] = arguments  # runpy sets sys.argv[0]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(connection: Connection) -> tuple[str, list[str]]:
    """Forks until the connection is closed.

    Returns:
        Module and arguments of a task; it returns only in the task's process.
    """
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # so that garbage collection in a task does not copy the shared memory
    connection.send(("ready", None, None))
    running = set()
    while True:
        if connection.poll(_POLL_SECONDS):
            try:
                number, work_dir, log_file, environment, module, arguments = connection.recv()
            except EOFError:
                os._exit(0)  # running tasks are not ended here; that is up to the process that requested them
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                connection.close()
                os.close(reader)
                _become(work_dir, log_file, environment)
                os.close(writer)
                return module, arguments
            os.close(writer)
            os.read(reader, 1)  # waits until the task has its own session, to which signals can be sent
            os.close(reader)
            running.add(pid)
            connection.send(("started", number, pid))
        for pid in list(running):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                with contextlib.suppress(ProcessLookupError):
                    # Its remaining children. Before waitpid, so that no other process can have this id.
                    os.killpg(pid, signal.SIGKILL)
                running.remove(pid)
                connection.send(("ended", pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _become(work_dir: str, log_file: str, environment: dict[str, str]) -> None:
    """Gives this process the session, folder, files and variables of a task that is started as a program."""
    os.setsid()
    os.chdir(work_dir)
    for path, flags, descriptors in (
        (os.devnull, os.O_RDONLY, (0,)),
        (log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, (1, 2)),
    ):
        opened = os.open(path, flags)
        for descriptor in descriptors:
            os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = work_dir  # as `python -m` sets it
    tempfile.tempdir = None  # makes Python read the folder from the environment again
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # otherwise all tasks draw the same numbers


if __name__ == "__main__":
    main()
