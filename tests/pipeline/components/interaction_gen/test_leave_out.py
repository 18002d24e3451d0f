"""Which events are targets, and which stay in the history, where items may be recommended again: against loops."""

import collections
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.leave_out import FromWeight, LeaveOut
from configs.log import LogSettings
from tests.ingest import Ingested, log_config, run_interaction_gen

pytestmark = pytest.mark.e2e

WEIGHTS = {"view": 0.5, "basket": 2.0, "purchase": 6.0}
BOUGHT = FromWeight(from_weight=6)
BELOW = float(np.nextafter(np.float32(6), np.float32(0)))
Event = tuple[str, str, str, int]
Pairs = list[tuple[str, float]]


def _log(cleaning: dict[str, Any] | None = None, **changes: Any) -> LogSettings:
    return log_config(event_weights=WEIGHTS, cleaning=cleaning or {}, **changes)


def _run(folder: Path, events: list[Event], log: LogSettings, rule: LeaveOut) -> Ingested:
    folder.mkdir()
    rows = "".join(f"{user},{item},{event},{time}\n" for user, item, event, time in events)
    (folder / "log.csv").write_text("user_id,item_id,rating,timestamp\n" + rows)
    return run_interaction_gen(log, str(folder / "log.csv"), folder / "out", leave_out=rule)


def _user(ingested: Ingested, user: str = "u") -> tuple[Pairs, Pairs]:
    """A user's history and targets, with their values."""
    row = ingested.by_user("eval")[user]
    history = list(zip(row["item_id"], row["value"], strict=True))
    return history, list(zip(row["target_item_id"], row["target_value"], strict=True))


VIEWED_THEN_BOUGHT: list[Event] = [
    ("u", "teapot", "view", 1000),
    ("u", "teapot", "view", 2000),
    ("u", "cup", "purchase", 3000),
    ("u", "teapot", "purchase", 4000),
]


@pytest.mark.parametrize("deduplicate", ["latest", "max", "sum", "none"])
def test_purchase_of_a_viewed_article_is_a_target_and_the_view_stays(tmp_path: Path, deduplicate: str) -> None:
    found = _run(tmp_path / "in", VIEWED_THEN_BOUGHT, _log({"deduplicate": deduplicate}), BOUGHT)
    views = {"none": [("teapot", 0.5), ("teapot", 0.5)], "sum": [("teapot", 1.0)]}.get(deduplicate, [("teapot", 0.5)])
    assert _user(found) == ([*views, ("cup", 6.0)], [("teapot", 6.0)])


def test_everything_left_out_the_article_met_first_last_is_the_target(tmp_path: Path) -> None:
    found = _run(tmp_path / "in", VIEWED_THEN_BOUGHT, _log({"deduplicate": "sum"}), "everything")
    assert _user(found) == ([("teapot", 7.0)], [("cup", 6.0)])


def test_nothing_left_out_the_second_purchase_is_a_target(tmp_path: Path) -> None:
    events: list[Event] = [
        ("u", "milk", "purchase", 1000),
        ("u", "bread", "purchase", 2000),
        ("u", "milk", "purchase", 3000),
    ]
    again = _user(_run(tmp_path / "again", events, _log(), "nothing"))
    assert again == ([("milk", 6.0), ("bread", 6.0)], [("milk", 6.0)])
    assert _user(_run(tmp_path / "once", events, _log(), BOUGHT)) == ([("milk", 6.0)], [("bread", 6.0)])


def test_view_after_the_purchase_is_no_target_and_the_article_stays_bought(tmp_path: Path) -> None:
    events = [*VIEWED_THEN_BOUGHT, ("u", "spoon", "view", 5000), ("u", "teapot", "view", 6000)]
    history, targets = _user(_run(tmp_path / "in", events, _log({"deduplicate": "latest"}), BOUGHT))
    assert targets == [("spoon", 0.5)]
    assert dict(history)["teapot"] == 6.0


def test_many_views_are_no_purchase(tmp_path: Path) -> None:
    events: list[Event] = [("u", "vase", "view", n) for n in range(100, 130)] + [("u", "cup", "purchase", 200)]
    history, _ = _user(_run(tmp_path / "in", events, _log({"deduplicate": "sum"}), BOUGHT))
    assert history == [("vase", BELOW)]
    many = [("u", "vase", "basket", n) for n in range(100, 130)] + [("u", "cup", "purchase", 200)]
    history, _ = _user(_run(tmp_path / "many", many, _log({"deduplicate": "sum"}), FromWeight(from_weight=2)))
    assert history == [("vase", 60.0)]


def test_positive_min_and_min_user_events_count_an_article_once(tmp_path: Path) -> None:
    events: list[Event] = [
        *VIEWED_THEN_BOUGHT,
        *[("v", "cup", event, 1000 + n) for n, event in enumerate(["view", "basket", "purchase"])],
        *[("w", "cup", "view", 1), ("w", "vase", "view", 2)],
    ]
    log = _log({"deduplicate": "sum", "positive_min": 1, "min_user_events": 2})
    for rule in (BOUGHT, "nothing"):
        found = _run(tmp_path / str(rule), events, log, rule)
        # The views of w are too few, and v has met one article only; the first view of u counts with the purchase.
        assert [row["user_id"] for row in found.rows("train")] == [["u"]]
        assert _user(found)[1] == [("teapot", 6.0)]


def _random_events(seed: int, count: int = 600) -> list[Event]:
    rng = random.Random(seed)
    kinds = ["view"] * 5 + ["basket", "purchase"]
    return [(f"u{rng.randrange(25)}", f"i{rng.randrange(12)}", rng.choice(kinds), 1000 + 60 * n) for n in range(count)]


def _expected(
    events: list[Event], rule: LeaveOut, deduplicate: str, split: dict[str, Any]
) -> dict[str, tuple[list[tuple[str, float]], list[tuple[str, float]]]]:
    """Histories and targets of users with targets, from interactions as `cleaning.deduplicate` describes them."""
    units: dict[tuple[str, str, int], list[int]] = collections.defaultdict(list)
    met: collections.Counter[tuple[str, str]] = collections.Counter()
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    for place, (user, item, event, _) in enumerate(events):
        if isinstance(rule, FromWeight) and WEIGHTS[event] >= rule.from_weight:
            met[user, item] = 1
        part = met[user, item] if isinstance(rule, FromWeight) else seen[user, item]
        seen[user, item] += 1
        units[user, item, part if rule != "everything" else 0].append(place)
    first = sorted((places[0], key) for key, places in units.items())
    held_out = set()
    if split["method"] == "time":
        times = [events[place][3] for place, _ in first]
        cut = min(t for t in times if sum(other >= t for other in times) <= split["eval_fraction"] * len(times))
        held_out = {key for place, key in first if events[place][3] >= cut}
    else:
        for user in {user for user, _, _ in units}:
            of_user = [key for _, key in first if key[0] == user]
            held_out |= {*of_user[1:][-split["holdout"] :]}
    sides: dict[str, tuple[dict[str, list[int]], dict[str, list[int]]]] = collections.defaultdict(lambda: ({}, {}))
    for key, places in units.items():
        sides[key[0]][key in held_out].setdefault(key[1], []).extend(places)

    def listed(of_item: dict[str, list[int]]) -> list[tuple[str, float]]:
        found = []
        for item, places in of_item.items():
            weights = [WEIGHTS[events[place][2]] for place in sorted(places)]
            value = {"latest": weights[-1], "max": max(weights), "sum": sum(weights)}[deduplicate]
            if isinstance(rule, FromWeight) and max(weights) >= rule.from_weight:
                value = max(value, rule.from_weight)
            elif isinstance(rule, FromWeight):
                value = min(value, float(np.nextafter(np.float32(rule.from_weight), np.float32(0))))
            found.append((max(places), item, value))
        return [(item, value) for _, item, value in sorted(found)]

    return {user: (listed(history), listed(targets)) for user, (history, targets) in sides.items() if targets}


@pytest.mark.parametrize(
    ("rule", "deduplicate", "split"),
    [
        (BOUGHT, "latest", {"method": "leave_last", "holdout": 2}),
        (FromWeight(from_weight=2), "max", {"method": "leave_last", "holdout": 1}),
        (BOUGHT, "sum", {"method": "time", "eval_fraction": 0.2}),
        ("nothing", "sum", {"method": "leave_last", "holdout": 1}),
        ("nothing", "latest", {"method": "time", "eval_fraction": 0.1}),
        ("everything", "max", {"method": "leave_last", "holdout": 1}),
    ],
)
def test_histories_and_targets_equal_loops(
    tmp_path: Path, rule: LeaveOut, deduplicate: str, split: dict[str, Any]
) -> None:
    events = _random_events(len(deduplicate))
    found = _run(tmp_path / "in", events, _log({"deduplicate": deduplicate}, split=split, num_shards=2), rule)
    expected = _expected(events, rule, deduplicate, split)
    rows = {user: _user(found, user) for user in found.by_user("eval")}
    assert rows.keys() == expected.keys()
    for user, (history, targets) in expected.items():
        for row, wanted in zip(rows[user], (history, targets), strict=True):
            assert [item for item, _ in row] == [item for item, _ in wanted]
            assert [value for _, value in row] == pytest.approx([value for _, value in wanted], rel=1e-6)
    again = sum(item in dict(history) for history, targets in expected.values() for item, _ in targets)
    assert (again > 0) == (rule != "everything")


def test_random_split_draws_the_purchase_apart_and_leaves_every_event_on_its_side(tmp_path: Path) -> None:
    split = {"method": "random", "eval_fraction": 0.3}
    events = _random_events(7, 1200)
    sides = []
    for day, count in (("yesterday", 800), ("today", 1200)):
        found = _run(tmp_path / day, events[:count], _log({"deduplicate": "sum"}, split=split), BOUGHT)
        held_out = {
            (user, item, value >= 6)
            for user, row in found.by_user("eval").items()
            for item, value in zip(row["target_item_id"], row["target_value"], strict=True)
        }
        train = {
            (user, item, value >= 6)
            for user, row in found.by_user("train").items()
            for item, value in zip(row["item_id"], row["value"], strict=True)
        }
        assert any((user, item, False) in train for user, item, bought in held_out if bought)
        sides.append((train, held_out))
    (trained, _), (_, asked) = sides
    assert len(asked) > 50
    assert not trained & asked
