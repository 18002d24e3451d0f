"""A user or an item that has far more rows than the rest is found and named; what many logs look like is not."""

import logging
from pathlib import Path

import pytest

from pipeline.components.interaction_gen import outliers
from tests.ingest import Ingested, log_config, run_interaction_gen


def found(*rows: int, of: int | None = None) -> list[int]:
    counts = [(f"u{n}", count) for n, count in enumerate(rows)]
    total = sum(rows) if of is None else of
    return [one.rows for one in outliers.find("user_id", outliers.most(reversed(counts)), total)]


@pytest.mark.parametrize(
    ("rows", "of", "expected"),
    [
        ((1000, 20, 19, 18), 10_000, [1000]),
        ((1000, 990, 20, 19), 10_000, [1000, 990]),  # two robots hide each other from the next
        ((9000, 1000, 20), 20_000, [9000, 1000]),
        ((1000, 201, 200, 199), 10_000, []),  # not five times
        ((1000, 200, 200), 10_000, [1000]),
        ((1000, 20, 19), 1_000_000, []),  # a thousandth of the log
        ((99, 2, 1), None, []),  # a log that is too small to say
        ((100, 2, 1), None, [100]),
        ((1000,), None, []),  # there is no rest
        ((500, 500), None, []),
        ((), 0, []),
        ((900,) * 5 + (10,), 100_000, []),  # 0.9 % each
        ((2000,) * 5 + (10,), 100_000, [2000] * 5),
        ((2000,) * 6 + (10,), 100_000, []),  # more than a few are a kind of users
    ],
)
def test_find_ids_far_from_the_rest(rows: tuple[int, ...], of: int | None, expected: list[int]) -> None:
    assert found(*rows, of=of) == expected


def test_find_shares_and_next_and_long_ids_cut() -> None:
    (one,) = outliers.find("item_id", [("x" * 200, 900), ("b", 3)], 1000)
    assert (one.share, one.next_rows, one.id) == (0.9, 3, "x" * 80)
    assert "log.columns.item_id: 'xxx" in outliers.warning(one)
    assert "has 900 rows, 90% of the log; the next has 3" in outliers.warning(one)


def run(tmp_path: Path, rows: list[tuple[str, str]], shards: int) -> Ingested:
    text = "".join(f"{user},{item},5,{1_000_000_000 + n}\n" for n, (user, item) in enumerate(rows))
    (tmp_path / "log.csv").write_text("user_id,item_id,rating,timestamp\n" + text)
    log = log_config(num_shards=shards, cleaning={"window_days": 30})
    return run_interaction_gen(log, str(tmp_path / "log.csv"), tmp_path / f"out{shards}")


@pytest.mark.e2e
def test_do_robot_and_hub_are_warned_of_whatever_cleaning_leaves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    usual = [(f"u{n % 50}", f"i{n % 31}") for n in range(1000)]
    robot = [("-1", f"i{n % 5}") for n in range(500)]  # deduplication leaves 5 of them
    hub = [(f"u{n % 50}", "unknown") for n in range(600)]
    for shards in (1, 4):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "perennial.interaction_gen"):
            result = run(tmp_path, usual + robot + hub, shards)
        assert [(o["column"], o["id"], o["rows"], o["share"]) for o in result.report["outliers"]] == [
            ("user_id", "-1", 500, pytest.approx(500 / 2100)),
            # Items: 600 rows of the hub against some 130 of i0 to i4 is less than five times.
        ]
        assert "log.columns.user_id: '-1' has 500 rows, 24% of the log; the next has 32" in caplog.text


@pytest.mark.e2e
def test_do_hub_of_missing_ids_is_an_item_far_from_the_rest(tmp_path: Path) -> None:
    rows = [(f"u{n % 50}", f"i{n % 31}") for n in range(1000)] + [(f"u{n % 50}", "0") for n in range(400)]
    (hub,) = run(tmp_path, rows, 3).report["outliers"]
    assert (hub["column"], hub["id"], hub["rows"], hub["next_rows"]) == ("item_id", "0", 400, 33)


@pytest.mark.e2e
def test_do_usual_log_has_none(tmp_path: Path) -> None:
    assert run(tmp_path, [(f"u{n % 50}", f"i{n % 31}") for n in range(1000)], 2).report["outliers"] == []
