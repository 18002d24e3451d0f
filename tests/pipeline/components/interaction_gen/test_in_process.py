"""A log that is read in this process gives the report and the items that InteractionGen writes."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from configs.ids import Ids
from configs.leave_out import FromWeight, LeaveOut
from documents.cleaning import CleaningReport
from pipeline.components.interaction_gen import in_process
from pipeline.ground.layout import ITEMS_FILE
from pipeline.reading.files import list_files
from tests.ingest import log_config, run_interaction_gen
from tests.pipeline.components.interaction_gen.test_oracle import CLEANINGS, _random_log, _write

SPLITS: list[dict[str, Any]] = [
    {"method": "leave_last", "holdout": 2},
    {"method": "time", "eval_fraction": 0.2},
    {"method": "random", "eval_fraction": 0.3},
]


@pytest.mark.e2e
@pytest.mark.parametrize("cleaning", CLEANINGS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("shards", "rule"), [(1, "everything"), (3, FromWeight(from_weight=4)), (3, "nothing")])
def test_ingest_equals_the_component(
    tmp_path: Path, cleaning: dict[str, Any], split: dict[str, Any], shards: int, rule: LeaveOut
) -> None:
    events = _random_log(3, 600)
    glob = _write(tmp_path / "in", events, files=3)
    (tmp_path / "in" / "part-3.csv").write_text("user_id,item_id,rating,timestamp\nu1,i1,x,5\n,i1,3,5\nu1,i1,3,1e99\n")
    log = log_config(cleaning={"max_bad_fraction": 0.1, **cleaning}, split=split, num_shards=shards)
    component = run_interaction_gen(log, glob, tmp_path / "out", leave_out=rule)
    result = in_process.ingest(list_files("", {"train": glob}), log, Ids(), rule, now_seconds=2e9)
    assert result.report == CleaningReport.read(component.artifact.uri)
    assert result.items.equals(pq.read_table(Path(component.artifact.uri) / ITEMS_FILE))
    users = {event[0] for event in events}
    assert result.sizes["rows"] == (len(users), len({event[1] for event in events}))
    assert result.sizes["active_users"][1] <= result.sizes["top_items"][1] <= result.sizes["rows"][1]
    assert list(result.sizes) == ["rows", *(step.step for step in result.report.steps)]
    assert result.first.num_rows > 0


@pytest.mark.e2e
def test_ingest_given_split_equals_the_component(tmp_path: Path) -> None:
    events = _random_log(4)
    paths = {
        "train": _write(tmp_path / "in" / "train", events[:300], files=2),
        "eval": _write(tmp_path / "in" / "eval", events[300:], files=1),
    }
    log = log_config(split={"method": "given"}, num_shards=2)
    component = run_interaction_gen(log, paths, tmp_path / "out")
    assert in_process.ingest(list_files("", paths), log, Ids(), "everything", 2e9).report == CleaningReport.read(
        component.artifact.uri
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("u1,i1,x,5\nu2,i1,3,5\n", "cleaning.max_bad_fraction"),
        ("u1,i1,3,5\nu1 ,i2,3,5\n", "written in several ways"),
        ("u1,i1,3,5\n", "leaves no interactions for eval"),
        ("", "no rows"),
    ],
)
def test_ingest_faults_are_the_components(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,rating,timestamp\n" + rows)
    with pytest.raises(DataError) as ours:
        in_process.ingest(list_files("", {"train": str(tmp_path / "log.csv")}), log_config(), Ids(), "everything", 2e9)
    with pytest.raises(DataError) as theirs:
        run_interaction_gen(log_config(), str(tmp_path / "log.csv"), tmp_path / "out")
    assert str(ours.value) == str(theirs.value)
    assert message in str(ours.value)
