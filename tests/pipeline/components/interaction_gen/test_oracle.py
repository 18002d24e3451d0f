"""Cleaning and splits against an oracle in plain Python, on small random logs; and the same bytes every time."""

import collections
import hashlib
import itertools
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.log import LogSettings
from tests import forked
from tests.ingest import Ingested, Row, log_config, run_interaction_gen

pytestmark = pytest.mark.e2e

Event = tuple[str, str, float, int]
Kept = tuple[str, str, float, int, tuple[int, int]]
"""An event that cleaning left, with the time and place at which the user first met the item."""
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


def _clean(events: list[Event], log: LogSettings) -> tuple[dict[str, list[Kept]], dict[str, tuple[int, int]]]:
    """Histories by user, oldest first, and interactions before and after each step."""
    cleaning, counts = log.cleaning, {}
    # Python's sort is stable: ties keep the order of the input.
    rows = [(*e, (e[3], place)) for place, e in enumerate(sorted(events, key=lambda e: e[3]))]

    def step(name: str, kept: list[Kept]) -> list[Kept]:
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
                kept.append((event[0], event[1], value, event[3], rows[places[0]][4]))
    rows = step("deduplicate", kept)
    least = cleaning.positive_min
    rows = step("positives", [e for e in rows if least is None or e[2] >= least])
    popular = sorted(collections.Counter(e[1] for e in rows).items(), key=lambda c: (-c[1], c[0]))
    top = {item for item, _ in popular[: cleaning.top_items]}
    rows = step("top_items", [e for e in rows if e[1] in top])
    events_of = collections.Counter(e[0] for e in rows)
    rows = step("active_users", [e for e in rows if events_of[e[0]] >= cleaning.min_user_events])
    histories: dict[str, list[Kept]] = collections.defaultdict(list)
    for event in rows:
        histories[event[0]].append(event)
    return histories, counts


def _assert_examples(rows: dict[str, Row], expected: dict[str, tuple[list[Kept], list[Kept]]]) -> None:
    assert rows.keys() == expected.keys()
    for user, (history, targets) in expected.items():
        assert rows[user]["item_id"] == [e[1] for e in history]
        assert rows[user]["value"] == [e[2] for e in history]
        assert rows[user]["timestamp"] == [e[3] for e in history]
        assert rows[user]["target_item_id"] == [e[1] for e in targets]
        assert rows[user]["target_value"] == [e[2] for e in targets]
        assert rows[user]["target_timestamp"] == [e[3] for e in targets]


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
    # The items met last, not those seen last.
    targets = {u: sorted(h, key=lambda e: e[4])[cut[u] :] for u, h in histories.items()}
    if cleaning.get("deduplicate") != "none":
        assert any(targets[u] != h[cut[u] :] for u, h in histories.items()), "somebody must have come back to an item"
    split_of = {
        u: ([e for e in h if e not in targets[u]], [e for e in h if e in targets[u]]) for u, h in histories.items()
    }
    _assert_examples(result.by_user("train"), {u: (kept, []) for u, (kept, _) in split_of.items()})
    _assert_examples(result.by_user("eval"), {u: both for u, both in split_of.items() if both[1]})
    assert {s["step"]: (s["in"], s["out"]) for s in result.report["steps"]} == counts
    train_items = {e[1] for kept, _ in split_of.values() for e in kept}
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
    times = sorted(e[4][0] for h in histories.values() for e in h)
    cut = min(t for t in times if sum(1 for other in times if other >= t) <= 0.2 * len(times))
    before = {u: [e for e in h if e[4][0] < cut] for u, h in histories.items()}
    after = {u: [e for e in h if e[4][0] >= cut] for u, h in histories.items()}
    assert any(e[3] >= cut for h in before.values() for e in h), "somebody must come back to an item after the cut"
    assert any(after[u] and not before[u] for u in histories), "the case of a user with targets alone must occur"
    _assert_examples(result.by_user("train"), {u: (h, []) for u, h in before.items() if h})
    _assert_examples(result.by_user("eval"), {u: (before[u], after[u]) for u in histories if after[u]})


def test_do_given_split_keeps_what_is_given(tmp_path: Path) -> None:
    events = _random_log(12)
    paths = {
        "train": _write(tmp_path / "in" / "train", events[:300], files=2),
        "eval": _write(tmp_path / "in" / "eval", events[300:], files=1),
    }
    log = log_config(split={"method": "given"}, num_shards=2)
    result = run_interaction_gen(log, paths, tmp_path / "out")
    history, _ = _clean(events[:300], log)
    targets, _ = _clean(events[300:], log)
    _assert_examples(result.by_user("train"), {u: (h, []) for u, h in history.items()})
    _assert_examples(result.by_user("eval"), {u: (history.get(u, []), t) for u, t in targets.items()})
    newest = {u: max(e[3] for e in h) for u, h in history.items() if h}
    early = [e[3] < newest[u] for u, t in targets.items() if u in newest for e in t]
    assert result.report["held_out_early"] == pytest.approx(sum(early) / len(early))
    assert 0 < result.report["held_out_early"] < 1


def test_do_given_split_in_time_holds_out_nothing_early(tmp_path: Path) -> None:
    events = sorted(_random_log(12), key=lambda event: event[3])
    half = next(n for n in range(300, len(events)) if events[n][3] != events[n - 1][3])
    paths = {
        "train": _write(tmp_path / "in" / "train", events[:half], files=1),
        "eval": _write(tmp_path / "in" / "eval", events[half:], files=1),
    }
    log = log_config(split={"method": "given"}, num_shards=2)
    assert run_interaction_gen(log, paths, tmp_path / "out").report["held_out_early"] == 0
    assert run_interaction_gen(log_config(), paths["train"], tmp_path / "other").report["held_out_early"] is None


def _random_split(folder: Path, events: list[Event], shards: int = 1, seed: int = 0, **cleaning: Any) -> Ingested:
    split = {"method": "random", "eval_fraction": 0.3, "seed": seed}
    log = log_config(split=split, num_shards=shards, cleaning=cleaning)
    return run_interaction_gen(log, _write(folder / "in", events, files=1), folder / "out")


def _draw(seed: int, user: str, item: str) -> float:
    """In [0, 1): SplitMix64 of the two ids' hashes, in Python's integers."""
    state = 0x9E3779B97F4A7C15
    for text in (f"{seed}\0{user}", item):
        state += int(hashlib.blake2b(text.encode(), digest_size=8).digest()[::-1].hex(), 16)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        state %= 2**64
        state = (state ^ state >> shift) * factor
    return (state % 2**64 >> 11) / 2**53


@pytest.mark.parametrize(("seed", "deduplicate"), [(0, "latest"), (1, "none")])
def test_do_random_split_equals_oracle_in_any_sharding(tmp_path: Path, seed: int, deduplicate: str) -> None:
    events = _random_log(13, events=800)
    one = _random_split(tmp_path / "one", events, seed=seed, deduplicate=deduplicate)
    four = _random_split(tmp_path / "four", events, shards=4, seed=seed, deduplicate=deduplicate)
    for split in ("train", "eval"):
        assert one.by_user(split) == four.by_user(split)
    histories, _ = _clean(events, log_config(cleaning={"deduplicate": deduplicate}))
    expected = {}
    for user, history in histories.items():
        draws = {e[1]: _draw(seed, user, e[1]) for e in history}
        held_out = {item for item, draw in draws.items() if draw < 0.3} - {max(draws, key=lambda item: draws[item])}
        expected[user] = [e for e in history if e[1] not in held_out], [e for e in history if e[1] in held_out]
    assert any(max(_draw(seed, u, e[1]) for e in h) < 0.3 for u, h in histories.items()), "a user kept by keep-one"
    _assert_examples(one.by_user("train"), {u: (kept, []) for u, (kept, _) in expected.items()})
    _assert_examples(one.by_user("eval"), {u: both for u, both in expected.items() if both[1]})
    assert 0.2 < one.report["splits"]["eval"]["interactions"] / sum(len(h) for h in histories.values()) < 0.35


def _sides(ingested: Ingested) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Pairs of user and item trained on, and those held out."""
    train = {(u, i) for u, row in ingested.by_user("train").items() for i in row["item_id"]}
    return train, {(u, i) for u, row in ingested.by_user("eval").items() for i in row["target_item_id"]}


def test_do_random_split_of_a_growing_and_sliding_log_leaves_every_event_on_its_side(tmp_path: Path) -> None:
    events = sorted(_random_log(16, events=1200), key=lambda e: e[3])
    days = [
        _random_split(tmp_path / "first", events[:800]),
        _random_split(tmp_path / "grown", events),
        _random_split(tmp_path / "slid", events, window_days=20),
    ]
    for yesterday, today in itertools.pairwise(days):
        (train, held_out), (train_today, held_out_today) = _sides(yesterday), _sides(today)
        assert len((train & train_today) | (held_out & held_out_today)) > 100
        # A user's only items of training may all be below the fraction; nothing else changes sides.
        items_of = collections.Counter(user for user, _ in train)
        for user, item in train & held_out_today:
            assert (items_of[user], _draw(0, user, item) < 0.3) == (1, True)
        items_of = collections.Counter(user for user, _ in train_today)
        for user, item in held_out & train_today:
            assert (items_of[user], _draw(0, user, item) < 0.3) == (1, True)
        assert not {user for user, _ in held_out & train_today} & {"u1", "u2"}, (
            "users with many events have no such case"
        )


@pytest.mark.parametrize(
    ("timed", "split"),
    [
        (True, {"method": "leave_last", "holdout": 2}),
        (False, {"method": "leave_last"}),
        (True, {"method": "time", "eval_fraction": 0.2}),
    ],
)
def test_do_split_of_a_growing_log_never_holds_out_what_an_earlier_model_was_trained_on(
    tmp_path: Path, timed: bool, split: dict[str, Any]
) -> None:
    events = sorted(_random_log(17, events=1200), key=lambda e: e[3])
    columns = {"user_id": "user_id", "item_id": "item_id"} | ({"timestamp": "timestamp"} if timed else {})
    log = log_config(columns=columns, split=split)
    trained: set[tuple[str, str]] = set()
    for day in (400, 800, 1200):
        today = run_interaction_gen(log, _write(tmp_path / f"in {day}", events[:day], 1), tmp_path / f"out {day}")
        train, held_out = _sides(today)
        came_back = sum(pair in trained for pair in (e[:2] for e in events[day - 400 : day]))
        assert day == 400 or came_back > 50, "users must come back to items"
        assert len(held_out) > 20
        assert not trained & held_out
        trained |= train


@pytest.mark.parametrize("span_days", [40, 9, 0])
def test_do_recent_days_equal_sets_of_all_rows_in_any_sharding(tmp_path: Path, span_days: int) -> None:
    events = [(u, i, v, t % ((24 * span_days + 2) * 3600)) for u, i, v, t in _random_log(18, events=900)]
    newest = max(e[3] for e in events)
    cleaning = {"positive_min": 3, "window_days": 20, "top_items": 20}  # of which the days see nothing
    for shards in (1, 4):
        log = log_config(num_shards=shards, cleaning=cleaning)
        result = run_interaction_gen(log, _write(tmp_path / f"in {shards}", events, 2), tmp_path / f"out {shards}")
        days = result.report["recent_days"]
        count = min(28, (newest - min(e[3] for e in events)) // DAY)
        assert (count, {len(counts) for counts in days.values()}) == ({40: 28, 9: 9, 0: 0}[span_days], {count})
        for n in range(count):
            (low, high) = (newest - (count - n) * DAY, newest - (count - n - 1) * DAY)
            met = [e for e in events if low < e[3] <= high]
            expected = (len(met), len({e[0] for e in met}), len({e[1] for e in met}))
            assert (days["events"][n], days["users"][n], days["items"][n]) == expected


def test_do_without_value_and_timestamp_input_order_is_time(tmp_path: Path) -> None:
    log = log_config(columns={"user_id": "user_id", "item_id": "item_id"})
    events = [("u", f"i{n}", 1.0, 1000 - n) for n in range(9)]
    result = run_interaction_gen(log, _write(tmp_path / "in", events, files=3), tmp_path / "out")
    row = result.by_user("eval")["u"]
    assert row["item_id"] == [f"i{n}" for n in range(8)]
    assert row["target_item_id"] == ["i8"]
    assert row["value"] == [1.0] * 8
    assert "timestamp" not in row
    assert result.report["recent_days"] is None


def test_do_twice_same_bytes(tmp_path: Path) -> None:
    paths = _write(tmp_path / "in", _random_log(14), files=4)
    log = log_config(num_shards=2)
    one = run_interaction_gen(log, paths, tmp_path / "one")
    two = run_interaction_gen(log, paths, tmp_path / "two")
    assert one.splits == two.splits
    for file in sorted((tmp_path / "one").rglob("*")):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes(), file


def test_do_two_processes_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", forked.python())  # for Beam's two processes
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
