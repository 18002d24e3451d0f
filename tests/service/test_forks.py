"""Processes that are forked, ended and left behind. Their program is small here; what is looked at is the process."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from common.errors import ForkError
from service import forks as module
from service.forks import Forks

pytestmark = pytest.mark.e2e

SECONDS = 120.0
"""For what must come; a busy machine takes long."""

PROGRAM = """
import signal, sys, time
from service.ending import end_with_stdin
end_with_stdin()
if sys.argv[1] == "polite":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("good bye"))
if sys.argv[1] == "fails":
    sys.exit("something is missing")
sys.stderr.write("up\\n")
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which the program and its library are found."""
    (tmp_path / "small_program.py").write_text(PROGRAM)
    (tmp_path / "small_library.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path


def with_forks(test: Callable[[Forks], Awaitable[None]]) -> None:
    """Runs in the event loop that the service uses."""

    async def go() -> None:
        forks = Forks("small_program", ("small_library",), {})
        try:
            await asyncio.wait_for(test(forks), 2 * SECONDS)
        finally:
            await forks.close()

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(go())
    finally:
        loop.close()


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    """The children of a process that run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if is_there(int(child))]


def server_of(forks: Forks) -> int:
    assert forks._server is not None
    return forks._server.pid


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def test_end_with_a_grace_asks_and_without_one_kills() -> None:
    async def test(forks: Forks) -> None:
        for grace, status, words in ((SECONDS, 1, "up\ngood bye"), (0.0, -signal.SIGKILL, "up")):
            fork = await forks.start(["polite"])
            await until(lambda fork=fork: "up" in fork.words.after(""))  # type: ignore[misc]
            await fork.end(grace)
            assert fork.ended.result() == status
            assert fork.words.after("It ended") == f"It ended; its last words: {words}"
            assert not is_there(fork.pid)

    with_forks(test)


def test_process_that_does_not_end_when_asked_is_killed_after_the_grace() -> None:
    async def test(forks: Forks) -> None:
        fork = await forks.start(["polite"])
        await until(lambda: "up" in fork.words.after(""))
        os.kill(fork.pid, signal.SIGSTOP)
        await fork.end(0.01)
        assert fork.ended.result() == -signal.SIGKILL

    with_forks(test)


def test_process_that_fails_has_its_status_and_its_words() -> None:
    async def test(forks: Forks) -> None:
        fork = await forks.start(["fails"])
        assert await fork.ended == 1
        assert fork.words.after("It ended") == "It ended; its last words: something is missing"

    with_forks(test)


def test_processes_have_one_server_and_leave_no_open_files() -> None:
    async def test(forks: Forks) -> None:
        await (await forks.start(["fails"])).ended
        server = server_of(forks)
        await until(lambda: children(server) == [])
        before = [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", server)]
        for _ in range(20):
            await (await forks.start(["fails"])).ended
        assert server_of(forks) == server
        await until(lambda: [len(os.listdir(f"/proc/{pid}/fd")) for pid in ("self", server)] == before)

    with_forks(test)


def test_server_killed_while_its_libraries_are_imported_is_replaced(folder: Path) -> None:
    (folder / "small_library.py").write_text(
        "import os, pathlib, time\n"
        "if not os.path.exists('once'):\n"
        "    pathlib.Path('once').touch()\n"
        "    time.sleep(600)\n"
    )

    async def test(forks: Forks) -> None:
        starting = asyncio.ensure_future(forks.start(["fails"]))
        await until((folder / "once").exists)
        os.kill(server_of(forks), signal.SIGKILL)
        assert await (await starting).ended == 1

    with_forks(test)


def test_server_that_ends_by_itself_has_its_words_in_the_error(folder: Path) -> None:
    (folder / "small_library.py").write_text("import sys\nsys.exit('no AVX here')")

    async def test(forks: Forks) -> None:
        with pytest.raises(ForkError, match="has ended with status 1; its last words: no AVX here"):
            await forks.start(["fails"])

    with_forks(test)


def test_python_that_cannot_be_started_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(forks: Forks) -> None:
        with pytest.raises(ForkError, match="/no/such/python"):
            await forks.start(["fails"])

    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with_forks(test)


def test_start_cancelled_before_the_server_has_forked_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(forks: Forks) -> None:
        await (await forks.start(["fails"])).ended
        server = server_of(forks)
        os.kill(server, signal.SIGSTOP)
        starting = asyncio.ensure_future(forks.start(["polite"]))
        assert forks._server is not None
        await until(lambda: bool(forks._server and forks._server.asked_for))
        starting.cancel()
        os.kill(server, signal.SIGCONT)
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert children(server) == []

    with_forks(test)


def test_server_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REPORT_SECONDS", 0.1)

    async def test(forks: Forks) -> None:
        await (await forks.start(["fails"])).ended
        server = server_of(forks)
        os.kill(server, signal.SIGSTOP)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(forks.start(["polite"]), 0.1)
        assert not is_there(server)
        assert await (await forks.start(["fails"])).ended == 1
        assert server_of(forks) != server

    with_forks(test)
