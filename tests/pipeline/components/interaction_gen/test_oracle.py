"""Cleaning and splits against an oracle in plain Python, on small random logs; and the same bytes every time."""

import collections
import random
from pathlib import Path
from typing import Any

import pytest

from configs.data import Log
from tests.ingest import Ingested, Row, log_config, run_interaction_gen

Event = tuple[str, str, float, int]
DAY = 86_400


def _random_log(seed: int, events: int = 400) -> list[Event]:
    """Few users, items and times, so that every kind of tie and duplicate occurs; times on whole hours of 40 days."""
    rng = random.Random(seed)
    return [
        (
            f"u{int(rng.paretovariate(0.7))}",
            f"i{rng.randrange(25)}",
            float(rng.randrange(1, 6)),
            rng.randrange(960) * 3600,
        )
        for _ in range(events)
    ]


def _write(folder: Path, events: list[Event], files: int) -> str:
    folder.mkdir(parents=True)
    size = -(-len(events) // files)
    for i in range(files):
        rows = "".join(f"{u},{item},{v},{t}\n" for u, item, v, t in events[i * size : (i + 1) * size])
        (folder / f"part-{i}.csv").write_text("user_id,item_id,rating,timestamp\n" + rows)
    return str(folder / "part-*.csv")


def _clean(events: list[Event], log: Log) -> tuple[dict[str, list[Event]], dict[str, tuple[int, int]]]:
    """Histories by user, oldest first, and interactions before and after each step."""
    cleaning, counts = log.cleaning, {}
    # Python's sort is stable: ties keep the order of the input.
    rows = sorted(events, key=lambda e: e[3])

    def step(name: str, kept: list[Event]) -> list[Event]:
        counts[name] = (len(rows), len(kept))
        return kept

    newest = max(e[3] for e in rows)
    days = cleaning.window_days
    rows = step("window", [e for e in rows if days is None or e[3] >= newest - days * DAY])
    if cleaning.deduplicate == "none":
        kept = rows
    else:
        met: dict[tuple[str, str], list[int]] = collections.defaultdict(list)
        for place, event in enumerate(rows):
            met[event[:2]].append(place)
        kept = []
        for place, event in enumerate(rows):
            places = met[event[:2]]
            if place == places[-1]:
                values = [rows[p][2] for p in places]
                value = {"latest": values[-1], "max": max(values), "sum": sum(values)}[cleaning.deduplicate]
                kept.append((event[0], event[1], value, event[3]))
    rows = step("deduplicate", kept)
    least = cleaning.positive_min
    rows = step("positives", [e for e in rows if least is None or e[2] >= least])
    popular = sorted(collections.Counter(e[1] for e in rows).items(), key=lambda c: (-c[1], c[0]))
    top = {item for item, _ in popular[: cleaning.top_items]}
    rows = step("top_items", [e for e in rows if e[1] in top])
    events_of = collections.Counter(e[0] for e in rows)
    rows = step("active_users", [e for e in rows if events_of[e[0]] >= cleaning.min_user_events])
    histories: dict[str, list[Event]] = collections.defaultdict(list)
    for event in rows:
        histories[event[0]].append(event)
    return histories, counts


def _assert_examples(rows: dict[str, Row], expected: dict[str, tuple[list[Event], list[Event]]]) -> None:
    assert rows.keys() == expected.keys()
    for user, (history, targets) in expected.items():
        assert rows[user]["item_id"] == [e[1] for e in history]
        assert rows[user]["value"] == [e[2] for e in history]
        assert rows[user]["timestamp"] == [e[3] for e in history]
        assert rows[user]["target_item_id"] == [e[1] for e in targets]
        assert rows[user]["target_value"] == [e[2] for e in targets]


CLEANINGS: list[dict[str, Any]] = [
    {},
    {"deduplicate": "none", "window_days": 20.5},
    {"deduplicate": "max", "positive_min": 4, "top_items": 7},
    {"deduplicate": "sum", "min_user_events": 3, "window_days": 30, "top_items": 10, "positive_min": 3},
]


@pytest.mark.parametrize(("seed", "cleaning"), list(enumerate(CLEANINGS)))
def test_do_leave_last_equals_oracle(tmp_path: Path, seed: int, cleaning: dict[str, Any]) -> None:
    holdout = 1 + seed % 2
    split = {"holdout": holdout}
    log = log_config(cleaning=cleaning, split=split, num_shards=3)
    events = _random_log(seed)
    result = run_interaction_gen(log, _write(tmp_path / "in", events, files=3), tmp_path / "out")
    histories, counts = _clean(events, log)
    cut = {user: max(len(h) - holdout, 1) for user, h in histories.items()}
    _assert_examples(result.by_user("train"), {u: (h[: cut[u]], []) for u, h in histories.items()})
    _assert_examples(
        result.by_user("eval"), {u: (h[: cut[u]], h[cut[u] :]) for u, h in histories.items() if len(h) > cut[u]}
    )
    assert {s["step"]: (s["in"], s["out"]) for s in result.report["steps"]} == counts
    train_items = {e[1] for u, h in histories.items() for e in h[: cut[u]]}
    assert result.report["splits"]["train"] == {
        "users": len(histories),
        "interactions": sum(cut.values()),
        "items": len(train_items),
    }


def test_do_time_split_equals_oracle(tmp_path: Path) -> None:
    log = log_config(split={"method": "time", "eval_fraction": 0.2}, num_shards=2)
    events = _random_log(11)
    result = run_interaction_gen(log, _write(tmp_path / "in", events, files=2), tmp_path / "out")
    histories, _ = _clean(events, log)
    times = sorted(e[3] for h in histories.values() for e in h)
    cut = min(t for t in times if sum(1 for other in times if other >= t) <= 0.2 * len(times))
    before = {u: [e for e in h if e[3] < cut] for u, h in histories.items()}
    after = {u: [e for e in h if e[3] >= cut] for u, h in histories.items()}
    assert any(after[u] and not before[u] for u in histories), "the case of a user with targets alone must occur"
    _assert_examples(result.by_user("train"), {u: (h, []) for u, h in before.items() if h})
    _assert_examples(result.by_user("eval"), {u: (before[u], after[u]) for u in histories if after[u]})


def test_do_given_split_keeps_what_is_given(tmp_path: Path) -> None:
    events = _random_log(12)
    paths = {
        "train": _write(tmp_path / "in" / "train", events[:300], files=2),
        "eval": _write(tmp_path / "in" / "eval", events[300:], files=1),
    }
    log = log_config(path=paths, split={"method": "given"}, num_shards=2)
    result = run_interaction_gen(log, paths, tmp_path / "out")
    history, _ = _clean(events[:300], log)
    targets, _ = _clean(events[300:], log)
    _assert_examples(result.by_user("train"), {u: (h, []) for u, h in history.items()})
    _assert_examples(result.by_user("eval"), {u: (history.get(u, []), t) for u, t in targets.items()})


def _random_split(tmp_path: Path, events: list[Event], shards: int, seed: int = 0) -> Ingested:
    split = {"method": "random", "eval_fraction": 0.3, "seed": seed}
    folder = tmp_path / f"{shards}-{seed}"
    log = log_config(split=split, num_shards=shards)
    return run_interaction_gen(log, _write(folder / "in", events, files=1), folder / "out")


def test_do_random_split_same_in_any_sharding_and_other_with_another_seed(tmp_path: Path) -> None:
    events = _random_log(13, events=800)
    one, four = _random_split(tmp_path, events, shards=1), _random_split(tmp_path, events, shards=4)
    for split in ("train", "eval"):
        assert one.by_user(split) == four.by_user(split)
    other = _random_split(tmp_path, events, shards=1, seed=1)
    assert one.by_user("eval") != other.by_user("eval")
    histories, _ = _clean(events, log_config())
    train, held_out = one.by_user("train"), one.by_user("eval")
    for user, history in histories.items():
        targets = held_out[user]["target_item_id"] if user in held_out else []
        assert sorted(train[user]["item_id"] + targets) == sorted(e[1] for e in history)
        assert 0.3 * len(history) - 1 < len(targets) < 0.3 * len(history) + 1
    total = sum(len(h) for h in histories.values())
    assert 0.2 < one.report["splits"]["eval"]["interactions"] / total < 0.35


def test_do_without_value_and_timestamp_input_order_is_time(tmp_path: Path) -> None:
    log = log_config(columns={"user_id": "user_id", "item_id": "item_id"})
    events = [("u", f"i{n}", 1.0, 1000 - n) for n in range(9)]
    result = run_interaction_gen(log, _write(tmp_path / "in", events, files=3), tmp_path / "out")
    row = result.by_user("eval")["u"]
    assert row["item_id"] == [f"i{n}" for n in range(8)]
    assert row["target_item_id"] == ["i8"]
    assert row["value"] == [1.0] * 8
    assert "timestamp" not in row


def test_do_twice_same_bytes(tmp_path: Path) -> None:
    paths = _write(tmp_path / "in", _random_log(14), files=4)
    log = log_config(num_shards=2)
    one = run_interaction_gen(log, paths, tmp_path / "one")
    two = run_interaction_gen(log, paths, tmp_path / "two")
    assert one.splits == two.splits
    for file in sorted((tmp_path / "one").rglob("*")):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes(), file


@pytest.mark.e2e
def test_do_two_processes_same_bytes(tmp_path: Path) -> None:
    paths = _write(tmp_path / "in", _random_log(15, events=2000), files=4)
    log = log_config(
        num_shards=3, cleaning={"top_items": 20, "window_days": 35}, split={"method": "time", "eval_fraction": 0.2}
    )
    one = run_interaction_gen(log, paths, tmp_path / "one", "--direct_running_mode=in_memory")
    two = run_interaction_gen(
        log, paths, tmp_path / "two", "--direct_running_mode=multi_processing", "--direct_num_workers=2"
    )
    assert one.splits == two.splits
    assert one.report == two.report
