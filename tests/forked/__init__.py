"""A Python whose libraries are imported already: most of the time of a short process goes into imports.

`python()` is a program that takes the arguments of Python. It passes them, its working directory, its environment and
its open files to a server (`server.py`), which forks: the forked process continues as Python would. For the process
that started it, `python()` is like `sys.executable`, signals and exit status included.

`-I` is for programs that must not find our code: they are forked from a second server, which has imported TensorFlow
and nothing else.
"""

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

from tests.once import once, test_run

NESTED = "PERENNIAL_TESTS_PYTHON"
"""A variable: in a forked process that has it, `sys.executable` is its value, so that what it starts is forked, too."""

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = ("python", "perennial", "tfx")


def python() -> str:
    """Returns the path of the program. The first call in a test run starts the servers and waits for them."""
    return str(programs() / "python")


def programs() -> Path:
    """Returns a folder with `python`, `perennial` and `tfx`, to be put in front of PATH."""
    return once("forked", _start) / "bin"


def _start(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    for name in _PROGRAMS:
        program = folder / "bin" / name
        client = shlex.join([sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), name])
        program.write_text(f'#!/bin/sh\nexec {client} "${{0%/*}}/.." "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    server = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            str(Path(__file__).with_name("server.py")),
            str(folder),
            str(test_run()),
            NESTED,
        ],
        cwd=_ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None
    with server.stdout:
        assert server.stdout.readline() == b"ready\n", "the server of tests.forked has ended; its error is above"
