"""Forks a process for each request of `client.py`. It imports the libraries and does not use them.

TensorFlow starts threads with its first operation, and a forked process has no copies of them. Usage:

    server.py <folder for the sockets> <process id of the test run, with which it ends> <name of the variable NESTED>
"""

import array
import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import threading
import traceback
import types
from typing import Any, NoReturn

_MOST_FILES = 64
_CHECK_SECONDS = 5.0
_PYTHON = sys.executable
_NESTED = sys.argv[3]
_MODULES = (
    "google.cloud.aiplatform",
    "google.cloud.storage",
    "kfp.compiler",
    "matplotlib.figure",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_entrypoint_utils",
    "tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner",
    "tfx.tools.cli.cli_main",
    "pipeline.commands.cli",
    "pipeline.commands.replay.rounds",
    "pipeline.runners.local",
    "pipeline.runners.vertex.compile",
    "pipeline.store.models",
)
"""What the forked processes import, and their libraries."""


def main() -> None:
    """Serves until the test run ends; returns never."""
    folder, test_run = sys.argv[1], int(sys.argv[2])
    sys.path.pop(0)  # the folder of this file
    listeners = {}
    for name in ("bare", "socket"):
        listeners[name] = socket.socket(socket.AF_UNIX)
        listeners[name].bind(os.path.join(folder, name))
        listeners[name].listen(64)
    import sqlite3  # noqa: F401, before TensorFlow, whose own SQLite would take its place and has no FTS5

    import tensorflow  # noqa: F401

    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # if the imports below fail, nothing else holds the pipe open
        listeners["socket"].close()  # otherwise clients wait for ever when the other server has ended
        _serve(listeners["bare"], test_run)
    listeners["bare"].close()
    sys.path.insert(0, os.getcwd())
    _import_all()
    print("ready", flush=True)
    _serve(listeners["socket"], test_run)


def _import_all() -> None:
    for module in _MODULES:
        importlib.import_module(module)
    from configs.load import DEFAULT_CONFIG, load_config
    from pipeline.ground.places import Places
    from pipeline.pipeline import create_pipeline

    nowhere = Places(
        pipeline_root="nowhere",
        serving_dir="nowhere",
        log_paths="nowhere",
        catalogue_path="nowhere",
        interactions_schema=None,
        catalogue_schema=None,
        metadata_path=None,
    )
    create_pipeline(load_config(DEFAULT_CONFIG), nowhere)  # reads all code, for the digests


def _serve(listener: socket.socket, test_run: int) -> NoReturn:
    gc.collect()
    gc.freeze()  # so that garbage collection in a fork does not copy the shared memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test run
    wake, waker = socket.socketpair()
    for end in (wake, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)
    running: dict[int, socket.socket] = {}
    while True:
        for key, _ in selector.select(_CHECK_SECONDS):
            if key.fileobj is listener:
                client, _ = listener.accept()
                try:
                    request, files = _received(client)
                except (OSError, ValueError):  # the client was killed before it had sent all
                    client.close()
                    continue
                pid = os.fork()
                if pid == 0:
                    selector.close()
                    for other in (listener, wake, waker, client, *running.values()):
                        other.close()
                    _run(request, files)
                for file in files:
                    os.close(file)
                with contextlib.suppress(OSError):  # the client was killed: below, reading it says so
                    client.sendall(f"{pid}\n".encode())
                running[pid] = client
                selector.register(client, selectors.EVENT_READ, pid)
            elif key.fileobj is wake:
                with contextlib.suppress(BlockingIOError):
                    wake.recv(4096)
            else:  # the client was killed
                selector.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            client = running.pop(pid)
            with contextlib.suppress(KeyError):
                selector.unregister(client)
            with contextlib.suppress(OSError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            client.close()
        if not os.path.exists(f"/proc/{test_run}"):
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)


def _received(client: socket.socket) -> tuple[Any, list[int]]:
    head, ancillary, _, _ = client.recvmsg(4, socket.CMSG_SPACE(_MOST_FILES * array.array("i").itemsize))
    files = array.array("i")
    for _, _, content in ancillary:
        files.frombytes(content)
    try:
        with client.makefile("rb") as stream:
            return json.loads(stream.read(int.from_bytes(head, "big"))), list(files)
    except (OSError, ValueError):
        for file in files:
            os.close(file)
        raise


def _run(request: Any, files: list[int]) -> NoReturn:
    """Continues as `python` would with these arguments; does not return."""
    name, arguments, folder, environment, numbers = request
    _become(folder, environment, dict(zip(numbers, files, strict=True)))
    status = 1
    try:
        _execute(name, arguments)
        status = 0
    except SystemExit as e:
        if e.code is not None and not isinstance(e.code, int):
            print(e.code, file=sys.stderr)
        status = (1 if not isinstance(e.code, int) else e.code & 0xFF) if e.code is not None else 0
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except Exception:
        traceback.print_exc()
        raise
    finally:
        with contextlib.suppress(Exception):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(status)


def _become(folder: str, environment: dict[str, str], files: dict[int, int]) -> None:
    """Gives this process the folder, the variables and the open files of the one that asked."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    above = max(files) + 1
    moved = {number: fcntl.fcntl(file, fcntl.F_DUPFD, above) for number, file in files.items()}
    for file in files.values():
        os.close(file)
    for number, file in moved.items():
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # makes Python read the folder from the environment again
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # otherwise all forks draw the same numbers
    if _NESTED in environment:
        sys.executable = environment[_NESTED]
    if "PYTHONUNBUFFERED" in environment:
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]


def _execute(name: str, arguments: list[str]) -> None:
    bare = "-I" in arguments[:1]
    if name != "python":
        arguments = [os.path.join(os.path.dirname(_PYTHON), name), *arguments]
    while arguments[:1] in (["-I"], ["-W"]):
        arguments = arguments[1 if arguments[0] == "-I" else 2 :]
    kind, *rest = arguments
    paths = [] if bare else [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    first = os.getcwd() if kind in ("-c", "-m") else os.path.dirname(os.path.abspath(kind))
    sys.path[:0] = [*([] if bare else [first]), *paths]
    sys.orig_argv = [_PYTHON, *arguments]
    for path in paths:
        if os.path.exists(os.path.join(path, "sitecustomize.py")):
            runpy.run_path(os.path.join(path, "sitecustomize.py"))
    if kind == "-m":
        sys.argv = ["-m", *rest[1:]]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), sys.modules["__main__"].__dict__)
    else:
        sys.argv = [kind, *rest]
        sys.modules["__main__"] = types.ModuleType("__main__")
        sys.modules["__main__"].__file__ = kind
        with open(kind, "rb") as file:
            exec(compile(file.read(), kind, "exec"), sys.modules["__main__"].__dict__)


if __name__ == "__main__":
    main()
