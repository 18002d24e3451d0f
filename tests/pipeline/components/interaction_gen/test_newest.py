"""Each user's newest interactions and the times of items against loops, without Beam and in the artifact's files."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.cleaning import Cleaning
from configs.leave_out import FromWeight, LeaveOut
from pipeline.components.interaction_gen import newest
from pipeline.components.interaction_gen.interactions import Interactions
from tests.ingest import log_config, run_interaction_gen

Event = tuple[str, str, float, int]
"""User, item, value and time."""


def interactions(events: list[Event], is_timed: bool = True, held_out: tuple[int, ...] = ()) -> Interactions:
    """Interactions of events that are sorted by user and time; those at the places `held_out` are held out."""
    users, items = sorted({event[0] for event in events}), sorted({event[1] for event in events}, reverse=True)
    times = np.array([event[3] for event in events], np.int64) if is_timed else None
    return Interactions(
        users=pa.array(users, pa.string()),
        items=pa.array(items, pa.string()),
        user=np.array([users.index(event[0]) for event in events], np.int32),
        item=np.array([items.index(event[1]) for event in events], np.int32),
        value=np.array([event[2] for event in events], np.float64),
        timestamp=times,
        first=np.arange(len(events), dtype=np.int32),
        first_timestamp=times,
        held_out=np.isin(np.arange(len(events)), held_out),
    )


def rows(shard: Interactions, max_items: int, per_second: int = 1, weighted: bool = True) -> list[dict[str, Any]]:
    tables = list(newest.histories(shard, max_items, per_second, weighted))
    return [row for table in tables for row in table.to_pylist()]


LOG: list[Event] = [
    ("ann", "tea", 1.0, 10_000),
    ("ann", "milk", 6.0, 20_999),
    ("ann", "jam", 0.5, 30_000),
    ("bob", "tea", 2.0, 5_000),
]


def test_histories_of_more_than_the_most_keep_the_newest_oldest_first() -> None:
    assert rows(interactions(LOG), max_items=2, per_second=1000) == [
        {"user_id": "ann", "item_id": ["milk", "jam"], "weight": [6.0, 0.5], "time": [20, 30]},
        {"user_id": "bob", "item_id": ["tea"], "weight": [2.0], "time": [5]},
    ]


def test_histories_of_a_log_without_times_and_weights_weigh_one() -> None:
    assert rows(interactions(LOG, is_timed=False), max_items=9, weighted=False) == [
        {"user_id": "ann", "item_id": ["tea", "milk", "jam"], "weight": [1.0, 1.0, 1.0]},
        {"user_id": "bob", "item_id": ["tea"], "weight": [1.0]},
    ]


def test_histories_user_without_interactions_left_out() -> None:
    shard = interactions(LOG)
    kept = shard.where(shard.user == 1)
    assert [row["user_id"] for row in rows(kept, max_items=5)] == ["bob"]
    assert rows(shard.where(np.zeros(len(shard), bool)), max_items=5) == []


def test_histories_of_many_users_come_in_tables_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "ROWS_A_TABLE", 3)
    events = [(f"u{n}", f"i{k}", float(k), k) for n in range(8) for k in range(n % 3 + 1)]
    tables = list(newest.histories(interactions(events), 2, 1, True))
    assert [table.num_rows for table in tables] == [3, 3, 2]
    expected = {f"u{n}": [f"i{k}" for k in range(n % 3 + 1)][-2:] for n in range(8)}
    assert {row["user_id"]: row["item_id"] for table in tables for row in table.to_pylist()} == expected


@pytest.mark.parametrize(("deduplicate", "value"), [("latest", 4.0), ("max", 5.0), ("sum", 9.0)])
@pytest.mark.parametrize(("rule", "held_out"), [("everything", (2,)), ("nothing", ()), ("nothing", (2,))])
def test_whole_item_met_again_counts_once_at_its_latest_time(
    deduplicate: str, value: float, rule: LeaveOut, held_out: tuple[int, ...]
) -> None:
    shard = interactions([("ann", "tea", 5.0, 1), ("ann", "jam", 1.0, 2), ("ann", "tea", 4.0, 3)], held_out=held_out)
    found = newest.whole(shard, Cleaning.model_validate({"deduplicate": deduplicate}), rule)
    assert rows(found, 9) == [{"user_id": "ann", "item_id": ["jam", "tea"], "weight": [1.0, value], "time": [2, 3]}]


def test_item_times_are_of_the_first_and_the_last_event() -> None:
    shard = interactions([("ann", "tea", 1.0, 1_000), ("ann", "tea", 1.0, 7_000), ("bob", "tea", 1.0, 4_000)])
    once = newest.whole(shard, Cleaning(), "nothing")
    assert len(once) == 2  # the first event is remembered, though it was joined with the second
    for found in (shard, once):
        assert newest.item_times(found, 1000).to_pylist() == [{"item_id": "tea", "first_time": 1, "last_time": 7}]


def test_item_times_of_shards_merged_in_any_order_equal() -> None:
    shards = [interactions([event]) for event in LOG]
    tables = [newest.item_times(shard, 1) for shard in shards]
    expected = [
        {"item_id": "jam", "first_time": 30_000, "last_time": 30_000},
        {"item_id": "milk", "first_time": 20_999, "last_time": 20_999},
        {"item_id": "tea", "first_time": 5_000, "last_time": 10_000},
    ]
    for order in (tables, tables[::-1], [newest.merge_item_times(tables[:2]), *tables[2:]]):
        assert newest.merge_item_times(order).to_pylist() == expected


def _log(seed: int) -> list[Event]:
    draw = random.Random(seed)
    return [
        (f"u{int(draw.paretovariate(0.8))}", f"i{draw.randrange(20)}", float(draw.randrange(1, 6)), 60 * n)
        for n in range(500)
    ]


def _write(folder: Path, events: list[Event]) -> str:
    folder.mkdir(parents=True)
    for part in range(3):
        lines = "".join(f"{u},{i},{v},{t}\n" for u, i, v, t in events[part::3])
        (folder / f"{part}.csv").write_text("user_id,item_id,rating,timestamp\n" + lines)
    return str(folder / "*.csv")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("split", "rule"),
    [
        ({"method": "leave_last", "holdout": 2}, "everything"),
        ({"method": "time", "eval_fraction": 0.3}, "nothing"),
        ({"method": "random", "eval_fraction": 0.3}, FromWeight(from_weight=6)),
        ({"method": "given"}, "everything"),
    ],
)
def test_files_hold_the_newest_of_both_splits(tmp_path: Path, split: dict[str, Any], rule: LeaveOut) -> None:
    events = _log(5)
    paths: Any = _write(tmp_path / "in", events)
    if split["method"] == "given":
        paths = {"train": _write(tmp_path / "old", events[:400]), "eval": _write(tmp_path / "new", events[400:])}
    log = log_config(split=split, num_shards=3, cleaning={"deduplicate": "max"})
    found = run_interaction_gen(log, paths, tmp_path / "out", leave_out=rule, max_history=4)
    files = sorted(path.name for path in (tmp_path / "out").glob("histories*"))
    assert files == [f"histories-0000{n}-of-00003.parquet" for n in range(3)]
    tables = [pq.read_table(tmp_path / "out" / file) for file in files]

    latest: dict[str, dict[str, int]] = defaultdict(dict)
    times: dict[str, list[int]] = defaultdict(list)
    for user, item, _, time in events:
        latest[user][item] = time
        times[item].append(time)
    expected = {user: sorted((time, item) for item, time in of_items.items())[-4:] for user, of_items in latest.items()}
    rows = [row for table in tables for row in table.to_pylist()]
    assert {row["user_id"]: list(zip(row["time"], row["item_id"], strict=True)) for row in rows} == expected
    assert {weight for row in rows for weight in row["weight"]} == {1.0}  # the values are ratings, not weights
    of_items = pq.read_table(tmp_path / "out" / "item_times.parquet").to_pylist()
    assert of_items == [
        {"item_id": item, "first_time": min(of_item), "last_time": max(of_item)}
        for item, of_item in sorted(times.items())
    ]
    # The interesting ones are those that no training Example holds.
    trained = {(user, item) for user, row in found.by_user("train").items() for item in row["item_id"]}
    assert any((user, item) not in trained for user, newest_ones in expected.items() for _, item in newest_ones)


@pytest.mark.e2e
def test_files_of_a_log_with_event_weights_hold_the_weights(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "user_id,item_id,rating,timestamp\nann,tea,view,5\nann,jam,buy,6\nann,tea,buy,7\nbob,tea,view,8\nbob,jam,view,9\n"
    )
    log = log_config(event_weights={"view": 0.5, "buy": 6}, timestamp_unit="ms", cleaning={"deduplicate": "sum"})
    run_interaction_gen(log, str(tmp_path / "log.csv"), tmp_path / "out", max_history=9)
    [file] = (tmp_path / "out").glob("histories*")
    assert pq.read_table(file).to_pylist() == [
        {"user_id": "ann", "item_id": ["jam", "tea"], "weight": [6.0, 6.5], "time": [0, 0]},
        {"user_id": "bob", "item_id": ["tea", "jam"], "weight": [0.5, 0.5], "time": [0, 0]},
    ]


@pytest.mark.e2e
def test_files_switched_off_and_a_log_without_times_write_neither(tmp_path: Path) -> None:
    columns = {"user_id": "user_id", "item_id": "item_id"}
    paths = _write(tmp_path / "in", _log(6))
    run_interaction_gen(log_config(columns=columns), paths, tmp_path / "out", max_history=0)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"Split-train", "Split-eval", "cleaning.json", "items.parquet", "quarantine.jsonl"}
