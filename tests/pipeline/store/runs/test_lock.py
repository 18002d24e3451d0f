"""The lock, between real processes."""

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
from common.errors import LockedError, OutputError
from configs.load import load_config
from configs.pipeline import PipelineConfig
from pipeline.commands import cli
from pipeline.store.runs.lock import is_locked, pipeline_lock

HOLD = """
import sys
from configs.load import load_config
from pipeline.store.runs.lock import pipeline_lock
with pipeline_lock(load_config(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _config(folder: Path, when_locked: str) -> Path:
    file = folder / "shop.yaml"
    file.write_text(f"name: shop\nlog: {{path: log.csv}}\noutput_dir: runs\nruns: {{when_locked: {when_locked}}}\n")
    return file


def _holder(file: Path) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_lock_held_refuse_says_who_and_taken_once_the_holder_is_killed(tmp_path: Path) -> None:
    file = _config(tmp_path, "refuse")
    config = load_config(file)
    home = tmp_path / "runs" / "shop"
    assert not is_locked(home)
    holder = _holder(file)
    try:
        assert is_locked(home)
        with (
            pytest.raises(
                LockedError, match=rf"process {holder.pid} on .*, since 20\d\d-.* kill that process\. This is safe"
            ),
            pipeline_lock(config),
        ):
            pass
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    assert not is_locked(home)  # what stands in the file is the dead holder's, and holds nobody up
    with pipeline_lock(config):
        assert is_locked(home)
    assert not is_locked(home)


@pytest.mark.fault
@pytest.mark.parametrize("command", ["run", "versions rollback 1000"])
def test_lock_that_cannot_be_written_one_line_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    lock = tmp_path / "runs" / "shop" / "lock"
    lock.mkdir(parents=True)
    assert cli.main([*command.split(), "--config", str(_config(tmp_path, "wait"))]) == 1
    said = f"OutputError: {lock}: cannot be written (Is a directory). Free disk space or make the file writable, "
    said += "and run again.\n"
    assert capsys.readouterr().err == said


@pytest.mark.fault
def test_is_locked_lock_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    # A folder, because the superuser may read the lock of every user.
    (tmp_path / "lock").mkdir()
    with pytest.raises(OutputError, match=rf"^{tmp_path}/lock: cannot be read \(Is a directory\)"):
        is_locked(tmp_path)


def _take(config: PipelineConfig, screen: io.StringIO) -> None:
    with pipeline_lock(config, Console(file=screen, width=200)):
        screen.write("taken")


def test_lock_held_wait_says_for_whom_then_takes_it(tmp_path: Path) -> None:
    file = _config(tmp_path, "wait")
    holder = _holder(file)
    screen = io.StringIO()
    waiting = threading.Thread(target=_take, args=(load_config(file), screen))
    waiting.start()
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    assert f"Waiting for process {holder.pid} on " in screen.getvalue()
    assert "taken" not in screen.getvalue()
    holder.communicate(input="")
    waiting.join(timeout=30)
    assert screen.getvalue().endswith("taken")
