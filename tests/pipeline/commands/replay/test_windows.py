from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from common.errors import ConfigError, DataError
from configs.log import Log
from pipeline.commands.replay.windows import cut, windowed
from tests.ingest import log_config, run_interaction_gen


def _log(folder: Path, lines: list[str], **changes: Any) -> Log:
    file = folder / "log.csv"
    file.write_text("\n".join(["user_id,item_id,rating,timestamp", *lines]) + "\n")
    return Log(path=str(file), **dict(log_config(**changes)))


def _rows(file: Path) -> list[tuple[Any, ...]]:
    table = pq.read_table(file)
    return list(zip(*(table.column(name).to_pylist() for name in ("user", "item", "value", "timestamp")), strict=True))


def test_cut_by_time_equal_windows_ties_in_the_order_of_the_input(tmp_path: Path) -> None:
    log = _log(tmp_path, ["u1,i9,5,30", "u2,i1,4,10", "u3,i2,3,20", "u1,i3,5,20", "u4,007,1,40"])
    windows = cut(log, 2, tmp_path / "windows")
    assert [window.events for window in windows] == [3, 2]
    assert [(window.oldest, window.newest) for window in windows] == [(10, 20), (30, 40)]
    assert _rows(windows[0].file) == [("u2", "i1", "4", 10), ("u3", "i2", "3", 20), ("u1", "i3", "5", 20)]
    assert _rows(windows[1].file) == [("u1", "i9", "5", 30), ("u4", "007", "1", 40)]


def test_cut_row_without_a_time_never_arrives_and_other_faults_do(tmp_path: Path) -> None:
    log = _log(tmp_path, ["u1,i1,5,soon", "u1,i1,bad,10", "u2,i2,5,20"])
    windows = cut(log, 1, tmp_path / "windows")
    assert _rows(windows[0].file) == [("u1", "i1", "bad", 10), ("u2", "i2", "5", 20)]


def test_windows_read_by_the_pipeline_equal_the_whole_log(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times = random.permutation(600)
    lines = [f"u{random.integers(40)},i{random.integers(30)},{random.integers(1, 6)},{time}" for time in times]
    log = _log(tmp_path, lines, cleaning={"positive_min": 3})
    assert isinstance(log.path, str)
    cut(log, 4, tmp_path / "windows")
    glob = str(tmp_path / "windows" / "round-*.parquet")
    whole = run_interaction_gen(log, log.path, tmp_path / "whole")
    in_windows = run_interaction_gen(windowed(log, glob), glob, tmp_path / "in_windows")
    assert in_windows.by_user("train") == whole.by_user("train")
    assert in_windows.by_user("eval") == whole.by_user("eval")


def test_cut_event_types_stay_for_the_pipeline_to_weigh(tmp_path: Path) -> None:
    log = _log(tmp_path, ["u1,i1,view,10", "u1,i2,buy,20"], event_weights={"view": 0.5, "buy": 6})
    (window,) = cut(log, 1, tmp_path / "windows")
    assert [row[2] for row in _rows(window.file)] == ["view", "buy"]
    assert windowed(log, "x").event_weights == log.event_weights


def test_cut_log_without_timestamps_refused(tmp_path: Path) -> None:
    log = _log(tmp_path, ["u1,i1,5,1"], columns={"value": "rating"})
    with pytest.raises(ConfigError, match=r"log\.columns\.timestamp"):
        cut(log, 1, tmp_path / "windows")


def test_cut_fewer_events_than_rounds_refused(tmp_path: Path) -> None:
    log = _log(tmp_path, ["u1,i1,5,1", "u1,i2,5,2"])
    with pytest.raises(DataError, match=r"2 event\(s\) with a time are too few for 3 rounds"):
        cut(log, 3, tmp_path / "windows")
