"""Forks of a process that has imported libraries.

What a fork has in common with a program is tested with the rehearsal, whose tasks are forks.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import ForkError
from common.forking import ForkedProcess, ForkServer

pytestmark = pytest.mark.e2e

SECONDS = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForkServer]:
    (tmp_path / "dear.py").write_text("import os\nimported_by = os.getpid()\n")
    made = ForkServer(["dear", "not_there"], {"SEEN": "by the import"}, folder=tmp_path)
    made.ready.result(SECONDS)
    yield made
    made.close()


class Fork:
    """A forked process, and this end of its pipes."""

    def __init__(self, server: ForkServer, folder: Path, text: str, *arguments: str) -> None:
        (folder / "task.py").write_text(text)
        theirs, self.stdin = os.pipe()
        self.stdout, out = os.pipe()
        self.stderr, err = os.pipe()
        started = server.start("task", arguments, environment=dict(os.environ), folder=folder, files=(theirs, out, err))
        for file in (theirs, out, err):
            os.close(file)
        self.process: ForkedProcess = started.result(SECONDS)

    def said(self, file: int) -> str:
        """All that it says, until nobody has the pipe open for writing."""
        with open(file) as stream:
            return stream.read()


def test_fork_has_the_three_files_arguments_and_imported_libraries(server: ForkServer, tmp_path: Path) -> None:
    text = "import os, sys, dear\nprint(sys.argv[1:], dear.imported_by, os.getsid(0) == os.getpid())\n"
    fork = Fork(server, tmp_path, text + "print(sys.stdin.read(), file=sys.stderr)", "ä", "b c")
    os.write(fork.stdin, b"to be read")
    os.close(fork.stdin)
    assert fork.said(fork.stdout) == f"['ä', 'b c'] {server.pid} True\n"
    assert fork.said(fork.stderr) == "to be read\n"
    assert fork.process.wait(SECONDS) == 0


def test_fork_has_a_name_of_its_own_in_lists_of_processes(server: ForkServer, tmp_path: Path) -> None:
    fork = Fork(server, tmp_path, "import sys; sys.stdin.read()")
    assert Path(f"/proc/{fork.process.pid}/comm").read_text() == "task\n"
    os.close(fork.stdin)
    assert fork.process.wait(SECONDS) == 0


def test_forks_do_not_keep_each_others_pipes_open(server: ForkServer, tmp_path: Path) -> None:
    first = Fork(server, tmp_path, "import sys; sys.stdin.read()")
    second = Fork(server, tmp_path, "import sys; sys.stdin.read()")
    os.close(first.stdin)
    assert first.process.wait(SECONDS) == 0
    assert first.said(first.stdout) == ""
    os.close(second.stdin)
    assert second.process.wait(SECONDS) == 0


def test_server_killed_leaves_forks_alone_and_nobody_knows_how_they_end(server: ForkServer, tmp_path: Path) -> None:
    fork = Fork(server, tmp_path, "import sys; print(sys.stdin.read())")
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(ForkError, match="has ended with status -9"):
        fork.process.wait(SECONDS)
    assert server.has_ended
    os.write(fork.stdin, b"still there")
    os.close(fork.stdin)
    assert fork.said(fork.stdout) == "still there\n"
    with pytest.raises(ForkError):
        Fork(server, tmp_path, "")


def test_server_whose_import_fails_says_so_where_it_was_told_to(tmp_path: Path) -> None:
    (tmp_path / "dear.py").write_text("raise SystemExit('no AVX here')")
    reader, writer = os.pipe()
    server = ForkServer(["dear"], {}, folder=tmp_path, stderr=writer)
    os.close(writer)
    with open(reader) as words:
        assert words.read() == "no AVX here\n"
    with pytest.raises(ForkError, match="status 1"):
        server.ready.result(SECONDS)
    server.close()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python knows the variable from 3.11 on")
def test_python_that_searches_no_folder_keeps_to_it(tmp_path: Path) -> None:
    (tmp_path / "dear.py").write_text("raise SystemExit('it was searched')")
    server = ForkServer(["dear"], {"PYTHONSAFEPATH": "1"}, folder=tmp_path)
    server.ready.result(SECONDS)
    server.close()
