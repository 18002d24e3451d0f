"""Model processes that are started, killed, stopped and left behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop

from common.errors import MachineError
from service.backends.backend import BackendRefusedError, BackendUnavailableError
from service.backends.local import LocalModel, model_processes
from service.forks import Forks
from tests import forked

pytestmark = pytest.mark.e2e

SECONDS = 120.0
"""For what must come; a busy machine takes long."""

ITEMS = {"item_id": np.array([b"i3", b"no such item"], object)}


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The folder for temporary files, empty; short enough for a socket, as pytest's own is not always."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts processes as forks of one that has imported TensorFlow."""
    monkeypatch.setattr(sys, "executable", forked.python())


def state(pid: int) -> str:
    """A process's letter in proc(5); Z also once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    return state(pid) != "Z"


async def until_gone(pid: int) -> None:
    while is_there(pid):
        await asyncio.sleep(0.01)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs in the event loop that the service uses."""
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(coroutine, 2 * SECONDS))
    finally:
        loop.close()


async def with_processes(test: Callable[[Forks], Awaitable[None]]) -> None:
    processes = model_processes()
    try:
        await test(processes)
    finally:
        await processes.close()


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_start_with_the_real_python_answers_drains_and_fails_at_once_when_killed(
    model_folder: str, temporary: Path
) -> None:
    ends: list[BackendUnavailableError] = []

    async def go(processes: Forks) -> None:
        model = await LocalModel.start(processes, model_folder, 7, timeout_seconds=SECONDS, on_exit=ends.append)
        (private,) = temporary.iterdir()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        answer = await model.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
        assert answer["known"].tolist() == [True, False]
        with pytest.raises(BackendRefusedError):
            await model.predict("embed_items", {}, timeout_seconds=SECONDS)

        # Stopped, it neither answers nor ends: the call is on its way when the process is killed.
        os.kill(model.pid, signal.SIGSTOP)
        while state(model.pid) != "T":
            await asyncio.sleep(0.01)
        with pytest.raises(BackendUnavailableError, match="DEADLINE_EXCEEDED"):
            await model.predict("embed_items", ITEMS, timeout_seconds=0.2)
        asked = asyncio.ensure_future(model.predict("embed_items", ITEMS, timeout_seconds=SECONDS))
        await asyncio.sleep(0)
        assert ends == []
        os.kill(model.pid, signal.SIGKILL)
        with pytest.raises(BackendUnavailableError):
            await asyncio.wait_for(asked, SECONDS / 4)
        await until_gone(model.pid)
        while not ends:
            await asyncio.sleep(0)
        assert "version 7 has ended with status -9" in str(ends[0])
        with pytest.raises(BackendUnavailableError, match="has ended with status -9"):
            await model.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
        await model.close()
        assert list(temporary.iterdir()) == []

        model = await LocalModel.start(processes, model_folder, 8, timeout_seconds=SECONDS, on_exit=ends.append)
        before = cpu_ticks(model.pid)
        long = {"item_id": np.array([b"i3"] * 30_000, object), "k": np.full(30_000, 20, np.int32)}
        asked = asyncio.ensure_future(model.predict("similar_items", long, timeout_seconds=SECONDS))
        while cpu_ticks(model.pid) < before + 10:  # a tenth of a second: it is at work
            await asyncio.sleep(0.01)
        assert not asked.done()
        await model.close(grace_seconds=SECONDS)
        assert (await asked)["known"].all()
        assert len(ends) == 1, "what was asked to end has not crashed"
        assert list(temporary.iterdir()) == []

    run(with_processes(go))


def test_start_of_a_folder_without_a_model_says_what_the_process_said(
    tmp_path: Path, temporary: Path, quick: None
) -> None:
    with pytest.raises(BackendUnavailableError, match=r"(?s)has ended with status 1; its last words: .*cannot load"):
        run(_start(str(tmp_path), SECONDS))
    assert list(temporary.iterdir()) == []


async def _start(folder: str, seconds: float) -> None:
    async def go(processes: Forks) -> None:
        model = await LocalModel.start(processes, folder, 7, timeout_seconds=seconds)
        await model.close()

    await with_processes(go)


def test_start_that_takes_too_long_ends_the_process(model_folder: str, temporary: Path, quick: None) -> None:
    async def go(processes: Forks) -> None:
        await (await processes.start(["--help"])).ended  # from now on there is a fork within milliseconds
        with pytest.raises(BackendUnavailableError, match=r"is not (available|there) after 0\.\d+ s"):
            await LocalModel.start(processes, model_folder, 7, timeout_seconds=0.05)
        assert sockets(temporary) == []

    run(with_processes(go))
    assert list(temporary.iterdir()) == []


def test_start_while_libraries_are_imported_takes_no_longer_than_it_may(model_folder: str, temporary: Path) -> None:
    with pytest.raises(BackendUnavailableError, match=r"the model process of version 7 is not there after 0\.1 s"):
        run(_start(model_folder, 0.1))
    assert list(temporary.iterdir()) == []


def test_start_that_is_cancelled_ends_the_process(model_folder: str, temporary: Path, quick: None) -> None:
    async def go(processes: Forks) -> None:
        starting = asyncio.ensure_future(LocalModel.start(processes, model_folder, 7, timeout_seconds=SECONDS))
        while not sockets(temporary):
            await asyncio.sleep(0.001)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert sockets(temporary) == []

    run(with_processes(go))
    assert list(temporary.iterdir()) == []


def sockets(folder: Path) -> list[str]:
    """The sockets below a folder that a process has open."""
    return [line for line in Path("/proc/net/unix").read_text().splitlines() if str(folder) in line]


def test_model_goes_on_without_the_fork_server_and_the_next_one_has_another(
    model_folder: str, temporary: Path, quick: None
) -> None:
    ends: list[BackendUnavailableError] = []

    async def go(processes: Forks) -> None:
        first = await LocalModel.start(processes, model_folder, 7, timeout_seconds=SECONDS, on_exit=ends.append)
        server = parent_of(first.pid)
        os.kill(server, signal.SIGKILL)
        await until_gone(server)
        answer = await first.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
        assert answer["known"].tolist() == [True, False]

        second = await LocalModel.start(processes, model_folder, 8, timeout_seconds=SECONDS)
        assert parent_of(second.pid) != server
        os.kill(first.pid, signal.SIGKILL)
        while not ends:
            await asyncio.sleep(0)
        assert str(ends[0]).startswith("the model process of version 7 has ended")
        assert "status" not in str(ends[0])  # nobody knows it
        for model in (first, second):
            await model.close()

    run(with_processes(go))
    assert list(temporary.iterdir()) == []


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_start_below_a_long_path_says_what_to_do(
    tmp_path: Path, model_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(MachineError, match="set TMPDIR to a shorter folder"):
        run(_start(model_folder, SECONDS))
    assert list(deep.iterdir()) == []


_PARENT = """
import asyncio, pathlib, sys
from service.backends.local import LocalModel, model_processes

async def main():
    model = await LocalModel.start(model_processes(), sys.argv[1], 7, timeout_seconds=float(sys.argv[2]))
    print(model.pid, pathlib.Path(f"/proc/{model.pid}/stat").read_text().rpartition(")")[2].split()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_process_and_fork_server_end_when_their_user_is_killed(model_folder: str, temporary: Path) -> None:
    parent = subprocess.Popen(
        [forked.python(), "-c", _PARENT, model_folder, str(SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, forked.NESTED: forked.python(), "TMPDIR": str(temporary)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert all(is_there(pid) for pid in pids)
    parent.kill()
    parent.wait()
    for pid in pids:
        run(until_gone(pid))
