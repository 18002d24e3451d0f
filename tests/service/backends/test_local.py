"""Model processes that are started, killed, stopped and left behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop

from common.errors import MachineError
from service.backends.backend import BackendRefusedError, BackendUnavailableError
from service.backends.local import LocalModel
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


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_start_with_the_real_python_answers_drains_and_fails_at_once_when_killed(
    model_folder: str, temporary: Path
) -> None:
    ends: list[BackendUnavailableError] = []

    async def go() -> None:
        model = await LocalModel.start(model_folder, 7, timeout_seconds=SECONDS, on_exit=ends.append)
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

        model = await LocalModel.start(model_folder, 8, timeout_seconds=SECONDS, on_exit=ends.append)
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

    run(go())


def test_start_of_a_folder_without_a_model_says_what_the_process_said(
    tmp_path: Path, temporary: Path, quick: None
) -> None:
    with pytest.raises(BackendUnavailableError, match=r"(?s)has ended with status 1; its last words: .*cannot load"):
        run(_start(str(tmp_path), SECONDS))
    assert list(temporary.iterdir()) == []


async def _start(folder: str, seconds: float) -> None:
    model = await LocalModel.start(folder, 7, timeout_seconds=seconds)
    await model.close()


def test_start_that_takes_too_long_ends_the_process(model_folder: str, temporary: Path) -> None:
    before = children()
    with pytest.raises(BackendUnavailableError, match=r"is not available after 0\.2 s"):
        run(_start(model_folder, 0.2))
    assert children() == before
    assert list(temporary.iterdir()) == []


def test_start_that_is_cancelled_ends_the_process(model_folder: str, temporary: Path) -> None:
    async def go() -> None:
        starting = asyncio.ensure_future(_start(model_folder, SECONDS))
        while children() == before:
            await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    before = children()
    run(go())
    assert children() == before
    assert list(temporary.iterdir()) == []


def children() -> set[str]:
    """This process's children that run."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {pid for pid in found if is_there(int(pid))}


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
import asyncio, sys
from service.backends.local import LocalModel

async def main():
    model = await LocalModel.start(sys.argv[1], 7, timeout_seconds=float(sys.argv[2]))
    print(model.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_process_ends_when_its_parent_is_killed(model_folder: str, temporary: Path) -> None:
    parent = subprocess.Popen(
        [forked.python(), "-c", _PARENT, model_folder, str(SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, forked.NESTED: forked.python(), "TMPDIR": str(temporary)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    assert is_there(pid)
    parent.kill()
    parent.wait()
    run(until_gone(pid))
