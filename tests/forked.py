"""Runs `perennial` commands in forks of a process that has imported their libraries, which takes most of their time.

It is a process of its own, `python -m tests.forked`: in the process of the tests TensorFlow has started threads, and a
fork has no copies of them. Each line of input is a JSON request; it runs the command and writes its exit status.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


class Commands:
    """Runs commands, one at a time."""

    def __init__(self) -> None:
        """Starts the process; the first command waits for its imports."""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forked"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(
        self, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `perennial` with these arguments.

        Args:
            arguments: The arguments after `perennial`.
            folder: The working directory.
            environment: All environment variables.
        """
        assert self._server.stdin is not None and self._server.stdout is not None
        with tempfile.TemporaryDirectory() as streams:
            out, err = Path(streams, "out"), Path(streams, "err")
            request = [arguments, str(folder), dict(environment), str(out), str(err)]
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            return subprocess.CompletedProcess(["perennial", *arguments], status, out.read_text(), err.read_text())

    def close(self) -> None:
        """Ends the process."""
        self._server.communicate()


def _serve() -> None:
    import pipeline.commands.cli
    import pipeline.commands.replay.rounds
    import pipeline.runners.local
    import pipeline.store.models  # noqa: F401

    for line in sys.stdin:
        arguments, folder, environment, out, err = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(arguments, folder, environment, out, err)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _run(arguments: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """Runs the command in this process; does not return."""
    from pipeline.commands import cli

    status = 1
    try:
        os.chdir(folder)
        for path, descriptor in ((os.devnull, 0), (out, 1), (err, 2)):
            opened = os.open(path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["perennial", *arguments]
        tempfile.tempdir = None
        status = cli.main(arguments)
    except SystemExit as e:  # argparse
        status = e.code if isinstance(e.code, int) else 1
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
