"""Exported events beside the log's own files, and users who are forgotten, from the files to the Examples."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from configs.ids import Ids
from configs.log import Log, LogSettings
from documents.cleaning import CleaningReport
from documents.event_statistics import EventStatistics, PositionCounts
from pipeline.components.interaction_gen import in_process
from pipeline.reading.event_files import EVENTS, sort_inputs, with_events
from pipeline.reading.files import InputFile, list_files
from tests.ingest import Ingested, run_interaction_gen

SPRING = 1_700_000_000
KEY = bytes(range(32))

pytestmark = pytest.mark.e2e


def exported(folder: Path, number: int, rows: Sequence[tuple[str, str, Any, int]], column: str | None) -> None:
    """Writes a file as an export does: user, item, word or value, Unix seconds."""
    folder.mkdir(exist_ok=True)
    said = {} if column is None else {column: [row[2] for row in rows]}
    table = {
        "user_id": [row[0] for row in rows],
        "item_id": [row[1] for row in rows],
        **said,
        "timestamp": pa.array(
            [datetime.fromtimestamp(row[3], timezone.utc) for row in rows], pa.timestamp("us", tz="UTC")
        ),
        "recommendation_id": pa.nulls(len(rows), pa.string()),
        "version": pa.nulls(len(rows), pa.int64()),
        "position": pa.nulls(len(rows), pa.int16()),
    }
    pq.write_table(pa.table(table), folder / f"events-{number}.parquet")


def forget(folder: Path, *users: str) -> None:
    folder.mkdir(exist_ok=True)
    digests = sorted(hashlib.blake2b(user.encode(), key=KEY, digest_size=16).digest() for user in users)
    (folder / "forgotten.key").write_bytes(KEY)
    (folder / "forgotten.bin").write_bytes(b"".join(digests))


def ingested(log: LogSettings, paths: str | dict[str, str], folder: Path) -> Ingested:
    """Runs the component, and compares its report with that of `perennial check`."""
    paths = with_events(paths, str(folder / "events"))
    found = run_interaction_gen(log, paths, folder / "out", max_history=9)
    checked = in_process.ingest(list_files("", paths), log, Ids(), "everything", 2e9)
    assert checked.report == CleaningReport.read(found.artifact.uri)
    return found


def histories(found: Ingested) -> dict[str, list[str]]:
    files = Path(found.artifact.uri).glob("histories-*.parquet")
    return {row["user_id"]: row["item_id"] for file in files for row in pq.read_table(file).to_pylist()}


def test_events_are_read_whatever_the_layout_of_the_log_is(tmp_path: Path) -> None:
    (tmp_path / "log.dat").write_text(f"u1::3::i1::{SPRING * 1000}\nu1::5::i2::{SPRING * 1000 + 1}\n")
    exported(tmp_path / "events", 1, [("u1", "i3", 4.0, SPRING + 60), ("NULL", "i1", 2.0, SPRING)], "value")
    log = LogSettings.model_validate(
        {
            "format": {"separator": "::", "quote": "", "header": False},
            "columns": {"user_id": 0, "value": 1, "item_id": 2, "timestamp": 3},
            "timestamp_unit": "ms",
        }
    )
    found = ingested(log, str(tmp_path / "log.dat"), tmp_path)
    assert histories(found) == {"u1": ["i1", "i2", "i3"], "NULL": ["i1"]}
    assert found.by_user("eval")["u1"]["target_item_id"] == ["i3"]
    assert (found.report["events_export"], found.report["rows"], found.report["bad_rows"]) == (1, 4, 0)
    assert found.report["newest_timestamp"] == SPRING + 60


def test_words_of_events_weigh_as_the_logs_words(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(f"user,item,what,time\nu1,i1,look,{SPRING}\nu1,i2,buy,{SPRING + 1}\n")
    exported(tmp_path / "events", 1, [("u1", "i3", "buy", SPRING + 2), ("u1", "i4", "sell", SPRING + 3)], "event")
    columns = {"user_id": "user", "item_id": "item", "value": "what", "timestamp": "time"}
    log = LogSettings.model_validate(
        {"columns": columns, "event_weights": {"look": 0.5, "buy": 6}, "cleaning": {"max_bad_fraction": 0.5}}
    )
    found = ingested(log, str(tmp_path / "log.csv"), tmp_path)
    assert found.by_user("eval")["u1"]["target_value"] == [6.0]
    assert list(found.report["bad_rows_by_file"]) == [str(tmp_path / "events" / "events-1.parquet")]


def test_without_times_exports_follow_the_log_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nu1,i1\n")
    for number, item in ((2, "i2"), (10, "i10"), (9, "i9")):
        exported(tmp_path / "events", number, [("u1", item, None, SPRING)], None)
    found = ingested(LogSettings(), str(tmp_path / "log.csv"), tmp_path)
    assert histories(found) == {"u1": ["i1", "i2", "i9", "i10"]}
    # The second export is there, and the first one is not: it may be in no model.
    assert found.report["events_export"] is None


@pytest.mark.parametrize(("numbers", "known"), [((1, 2, 3, 10), 3), ((1,), 1), ((), None), ((2, 3), None)])
def test_export_that_is_known_is_the_last_before_a_gap(numbers: tuple[int, ...], known: int | None) -> None:
    found = sort_inputs([InputFile(0, f"/events/events-{number}.parquet", EVENTS, 1) for number in numbers[::-1]])
    assert (found.events_export, len(found.rows)) == (known, len(numbers))


def test_given_split_events_are_for_training(tmp_path: Path) -> None:
    for name, item in (("train", "i1"), ("eval", "i2")):
        (tmp_path / f"{name}.csv").write_text(f"user_id,item_id\nu1,{item}\n")
    exported(tmp_path / "events", 1, [("u1", "i3", None, SPRING), ("u2", "i3", None, SPRING)], None)
    log = LogSettings.model_validate({"split": {"method": "given"}})
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "eval")}
    found = ingested(log, paths, tmp_path)
    assert found.by_user("train").keys() == {"u1", "u2"}
    assert found.by_user("eval")["u1"]["item_id"] == ["i1", "i3"]
    assert found.by_user("eval")["u1"]["target_item_id"] == ["i2"]
    assert json.loads(found.artifact.split_names) == ["train", "eval"]


def test_forgotten_users_leave_no_trace_and_are_counted(tmp_path: Path) -> None:
    rows = [f"{user},i{n},{SPRING + n}" for user in ("stays", "gone-ü", "also-gone") for n in range(3)]
    bad = ["gone-ü,i1,not a time", "stays,i9,not a time"]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows, *bad]) + "\n")
    exported(tmp_path / "events", 1, [("gone-ü", "i5", None, SPRING + 9), ("stays", "i6", None, SPRING + 9)], None)
    forget(tmp_path / "events", "gone-ü", "also-gone", "was never here")
    columns = {"timestamp": "timestamp"}
    log = LogSettings.model_validate({"columns": columns, "cleaning": {"max_bad_fraction": 0.5}})
    found = ingested(log, str(tmp_path / "log.csv"), tmp_path)
    assert found.report["forgotten_rows"] == 3 + 3 + 1 + 1
    assert (found.report["rows"], found.report["bad_rows"]) == (5, 1)
    assert found.report["newest_timestamp"] == SPRING + 9
    assert histories(found) == {"stays": ["i0", "i1", "i2", "i6"]}
    assert found.by_user("train").keys() == {"stays"}
    # The quarantine has excerpts of bad rows, and numbers of lines in the file as it is.
    assert [(row["row"], "gone" in json.dumps(row)) for row in found.quarantine] == [(12, False)]


def test_half_of_the_forgotten_list_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nu1,i1\nu1,i2\n")
    forget(tmp_path / "events", "u1")
    (tmp_path / "events" / "forgotten.key").unlink()
    paths = with_events(str(tmp_path / "log.csv"), str(tmp_path / "events"))
    with pytest.raises(DataError, match=r"it is not known who is forgotten\. Run `perennial events export`"):
        in_process.ingest(list_files("", paths), LogSettings(), Ids(), "everything", 2e9)
    with pytest.raises(Exception, match="it is not known who is forgotten"):
        run_interaction_gen(LogSettings(), paths, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.gz"))


def test_no_export_yet_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nu1,i1\nu1,i2\n")
    found = ingested(LogSettings(), str(tmp_path / "log.csv"), tmp_path)
    assert (found.report["events_export"], found.report["forgotten_rows"]) == (None, 0)
    assert EventStatistics.find(found.artifact.uri) is None


def test_statistics_are_carried_along(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nu1,i1\nu1,i2\n")
    statistics = EventStatistics(positions=(PositionCounts(version=7, position=0, shown=5, view=2),))
    statistics.write(tmp_path / "events")
    found = ingested(LogSettings(), str(tmp_path / "log.csv"), tmp_path)
    assert EventStatistics.read(found.artifact.uri) == statistics


def test_spans_and_events_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="exported events have no spans"):
        Log.model_validate({"path": "log-{SPAN}.csv", "events": True})
