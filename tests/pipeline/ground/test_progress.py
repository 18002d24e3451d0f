"""What a person sees of a run, from the log lines that TFX and our components write."""

import io
import logging
from pathlib import Path

import pytest
from absl import logging as absl_logging
from rich.console import Console

from pipeline.ground import progress


def _run(logs_dir: Path) -> tuple[str, progress.ProgressHandler]:
    screen = io.StringIO()
    with progress.shown(logs_dir, Console(file=screen, width=100)) as handler:
        absl_logging.info("Component %s is running.", "InteractionGen")
        logging.getLogger("perennial.ingest").info("%d rows [train]", 12)
        absl_logging.info("noise")
        absl_logging.info("Component %s is finished.", "InteractionGen")
        absl_logging.info("Component %s is running.", "Pusher")
        absl_logging.info("A cached execution %d is used.", 7)
        absl_logging.info("Component %s is finished.", "Pusher")
    return screen.getvalue(), handler


def test_shown_component_start_report_and_end_printed(tmp_path: Path) -> None:
    screen, handler = _run(tmp_path)
    assert [line.strip().split(" in ")[0] for line in screen.splitlines()[1:]] == [
        "InteractionGen",
        "12 rows [train]",
        "done",
        "Pusher",
        "from the cache",
    ]
    assert set(handler.seconds) == {"InteractionGen", "Pusher"}


def test_shown_whole_log_in_the_file(tmp_path: Path) -> None:
    _run(tmp_path)
    (log_file,) = tmp_path.iterdir()
    assert "noise" in log_file.read_text()


def test_shown_handlers_put_back(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    _run(tmp_path)
    assert logging.getLogger().handlers == before


def test_log_file_on_a_full_disk_is_silent_and_other_errors_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    log_file = progress.LogFile("/dev/full")  # every write to it says that there is no space left
    log_file.emit(logging.makeLogRecord({"msg": "lost"}))
    assert capsys.readouterr().err == ""
    log_file.emit(logging.makeLogRecord({"msg": "%d rows", "args": ("many",)}))
    log_file.close()
    assert "TypeError" in capsys.readouterr().err
