"""The program that `ForkServer` starts: it imports libraries, and forks on request.

    program.py <file descriptor of a socket> <library> ...

It imports nothing of ours, so that each forked process can import that itself; it needs only Python. A library that is
not installed is skipped; a process that needs it then fails with the usual message.

A request is its length in four bytes, with the file descriptors of standard input, output and error beside them, and
then JSON: number, folder, environment, module, arguments. The answers are lines of JSON: `["ready"]` once,
`["started", number, process id]`, and `["ended", process id, status]`.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_HAS_OWN_FOLDER = sys.path[:1] == [_HERE]
"""Python puts the folder of a program in front, but not with PYTHONSAFEPATH."""

_COMM = "/proc/self/comm"
"""The name that `ps` and `top` show beside the command line, which is the same in all forks."""


def main() -> None:
    """Imports the libraries and forks on request; a forked process then continues like `python -m`."""
    _search(os.getcwd())
    module, arguments = _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    sys.argv[1:] = arguments  # runpy sets sys.argv[0]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _search(folder: str) -> None:
    """Searches a folder first for modules, as `python -m` does."""
    if _HAS_OWN_FOLDER:
        sys.path[0] = folder


def _serve(channel: socket.socket, libraries: list[str]) -> tuple[str, list[str]]:
    """Forks until the channel is closed.

    Returns:
        Module and arguments of a process; it returns only in that process.
    """
    for library in libraries:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # so that garbage collection in a fork does not copy the shared memory
    wake, waker = socket.socketpair()
    wake.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _tell(channel, "ready")
    running: set[int] = set()
    while True:
        readable = select.select([channel, wake], [], [])[0]
        if wake in readable:
            wake.recv(4096)
            _reap(channel, running)
        if channel not in readable:
            continue
        received = _receive(channel)
        if received is None:
            os._exit(0)  # running processes are not ended here; that is up to the process that requested them
        (number, folder, environment, module, arguments), files = received
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (channel, wake, waker):
                end.close()
            os.close(reader)
            _become(folder, environment, module, files)
            os.close(writer)
            return module, arguments
        for file in (writer, *files):
            os.close(file)
        os.read(reader, 1)  # waits until the process has its own session, to which signals can be sent
        os.close(reader)
        running.add(pid)
        _tell(channel, "started", number, pid)


def _receive(channel: socket.socket) -> tuple[Any, list[int]] | None:
    """Receives a request and its files; None if whoever sends them has ended."""
    head, files, _, _ = socket.recv_fds(channel, 4, 3)
    left, body = int.from_bytes(head, "big"), b""
    while left > len(body):
        part = channel.recv(left - len(body))
        if not part:
            return None
        body += part
    return (json.loads(body), files) if body else None


def _tell(channel: socket.socket, *message: Any) -> None:
    with contextlib.suppress(BrokenPipeError):  # the next request then is none
        channel.sendall(json.dumps(message).encode() + b"\n")


def _reap(channel: socket.socket, running: set[int]) -> None:
    for pid in list(running):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            with contextlib.suppress(ProcessLookupError):
                # Its remaining children. Before waitpid, so that no other process can have this id.
                os.killpg(pid, signal.SIGKILL)
            running.remove(pid)
            _tell(channel, "ended", pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _become(folder: str, environment: dict[str, str], module: str, files: list[int]) -> None:
    """Gives this process the session, folder, files, variables and name of one that is started as a program."""
    os.setsid()
    os.chdir(folder)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    _search(folder)
    tempfile.tempdir = None  # makes Python read the folder from the environment again
    with contextlib.suppress(OSError), open(_COMM, "w") as comm:
        comm.write(module.rpartition(".")[2])
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # otherwise all forks draw the same numbers


if __name__ == "__main__":
    main()
