"""The program `python` of `tests.forked`: asks a server for a fork, and ends as the forked process ends.

Usage: client.py <python, perennial or tfx> <folder of the sockets> <arguments>. It needs only Python's own modules.
"""

import array
import ctypes
import json
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1
_SOCKET, _BARE_SOCKET = "socket", "bare"


def main() -> None:
    name, folder, *arguments = sys.argv[1:]
    if bare := "-I" in arguments[:1]:
        # What is started so may be ended with its parent; this process then ends, and the server ends the fork.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    files = sorted(int(number) for number in os.listdir("/proc/self/fd"))
    files = [number for number in files if _is_open(number)]
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.path.join(folder, _BARE_SOCKET if bare else _SOCKET))
    request = json.dumps([name, arguments, os.getcwd(), dict(os.environ), files]).encode()
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
    server.sendmsg([len(request).to_bytes(4, "big")], ancillary)
    server.sendall(request)
    replies = server.makefile("r")
    pid = int(replies.readline())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(pid, received))
    status = int(replies.readline())
    if status < 0:
        if -status != signal.SIGKILL:  # which has no handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # the one with which the folder was listed
        return False
    return True


if __name__ == "__main__":
    main()
