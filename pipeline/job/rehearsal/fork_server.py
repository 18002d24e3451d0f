"""Starts tasks by forking a process that has imported their libraries, which takes longer than most tasks do.

This file is run as a program, by its text, so that nothing of the package that is rehearsed is imported before a task
imports it itself. It gets the file descriptor of a connection as its only argument, and needs nothing but Python.

The libraries are imported and nothing else is done with them: TensorFlow makes its threads with the first operation,
and a fork takes no threads along.
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
"""What tasks of TFX import, and the likes of us beside it. One that is not installed is left to the tasks to miss."""

_POLL_SECONDS = 0.02
"""Between two looks at tasks that may have ended."""


def main() -> None:
    """Imports, forks on request, and goes on as `python -m` in what it has forked."""
    module, arguments = _serve(Connection(int(sys.argv[1])))
    sys.argv[1:] = arguments  # what is before them is set by runpy
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(connection: Connection) -> tuple[str, list[str]]:
    """Forks until the connection is closed.

    Returns:
        Module and arguments of a task, in the task's process alone.
    """
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # so that a collection in a task does not copy the memory that it shares
    connection.send(("ready", None, None))
    running = set()
    while True:
        if connection.poll(_POLL_SECONDS):
            try:
                number, work_dir, log_file, environment, module, arguments = connection.recv()
            except EOFError:
                os._exit(0)  # tasks that still run are ended by whoever wanted them, or not at all
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                connection.close()
                os.close(reader)
                _become(work_dir, log_file, environment)
                os.close(writer)
                return module, arguments
            os.close(writer)
            os.read(reader, 1)  # until it has a session of its own, which signals can be sent to
            os.close(reader)
            running.add(pid)
            connection.send(("started", number, pid))
        for pid in list(running):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what it left behind, while its number cannot be another's
                running.remove(pid)
                connection.send(("ended", pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _become(work_dir: str, log_file: str, environment: dict[str, str]) -> None:
    """Gives this process what a task that is started as a program has."""
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
    sys.path[0] = work_dir  # as `python -m` has it
    tempfile.tempdir = None  # that of the environment, once it is asked for
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # else all tasks draw the same numbers


if __name__ == "__main__":
    main()
