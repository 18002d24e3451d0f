"""Times that are questionable: in another unit, in two units, missing, or digits of dates."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from common.errors import DataError
from tests.ingest import Ingested, log_config, run_interaction_gen

pytestmark = pytest.mark.e2e

SECONDS = [1_700_000_000 + 3_600 * n for n in range(200)]


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def digits(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%d%H%M%S")


def run(tmp_path: Path, *files: list[object], **log: object) -> Ingested:
    (tmp_path / "in").mkdir(parents=True, exist_ok=True)
    for number, times in enumerate(files):
        rows = [f"u{n % 9},i{n % 7},{time}" for n, time in enumerate(times)]
        (tmp_path / "in" / f"{number}.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows, ""]))
    columns = {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp"}
    settings = log_config(columns=columns, num_shards=2, **log)
    return run_interaction_gen(settings, str(tmp_path / "in" / "*"), tmp_path / "out")


@pytest.mark.parametrize(
    ("write", "log"),
    [
        (iso, {}),
        (lambda s: iso(s).replace("+00:00", "Z"), {"timestamp_unit": "ms"}),
        (lambda s: iso(s + 3600).replace("+00:00", ""), {"time_zone": "Europe/Berlin"}),
        (digits, {"timestamp_unit": "compact"}),
        (lambda s: s * 10**9, {"timestamp_unit": "ns"}),
        (lambda s: f"{s}.5", {}),
    ],
)
def test_times_in_each_form_give_the_same_examples(
    tmp_path: Path, write: Callable[[int], object], log: dict[str, object]
) -> None:
    expected = run(tmp_path / "expected", list(SECONDS))
    found = run(tmp_path / "found", [write(second) for second in SECONDS], **log)
    assert found.splits == expected.splits
    assert found.report["bad_rows"] == 0
    names = ("oldest_timestamp", "newest_timestamp")
    assert [found.report[name] for name in names] == [expected.report[name] for name in names]
    assert found.report["newest_timestamp"] == SECONDS[-1]


@pytest.mark.parametrize(
    ("write", "configured", "hint"),
    [
        (lambda s: s * 10**3, "s", "milliseconds: set timestamp_unit: ms."),
        (lambda s: s * 10**6, "s", "microseconds: set timestamp_unit: us."),
        (lambda s: s * 10**9, "s", "nanoseconds: set timestamp_unit: ns."),
        (lambda s: s * 10**9, "us", "nanoseconds: set timestamp_unit: ns."),
        (digits, "s", "the digits of a date, as 20231115003612: set timestamp_unit: compact."),
        (digits, "ms", "the digits of a date, as 20231115003612: set timestamp_unit: compact."),
        (lambda s: digits(s)[:8], "s", "the digits of a date, as 20231115003612: set timestamp_unit: compact."),
        (lambda s: s, "ms", "seconds: set timestamp_unit: s."),
        (lambda s: s * 10**3, "us", "milliseconds: set timestamp_unit: ms."),
        (lambda s: s, "ns", "seconds: set timestamp_unit: s."),
    ],
)
def test_times_in_another_unit_stop_the_run_and_the_hint_helps(
    tmp_path: Path, write: Callable[[int], object], configured: str, hint: str
) -> None:
    times = [write(second) for second in SECONDS]
    with pytest.raises(DataError, match=f"The timestamps look like {hint}"):
        run(tmp_path, times, timestamp_unit=configured)
    assert run(tmp_path, times, timestamp_unit=hint.split()[-1].rstrip(".")).report["bad_rows"] == 0


@pytest.mark.parametrize(
    ("files", "log"),
    [
        ([SECONDS[:60], [second * 1000 for second in SECONDS]], {"timestamp_unit": "ms"}),
        ([[*[0] * 30, *SECONDS]], {}),
        ([[*[-0.0] * 30, *SECONDS]], {}),
        ([[*["1900-01-01"] * 30, *map(iso, SECONDS)]], {}),
        ([[*["20231115"] * 30, *SECONDS]], {}),
    ],
)
def test_times_decades_apart_stop_the_run_without_a_hint_that_makes_it_worse(
    tmp_path: Path, files: list[list[object]], log: dict[str, object]
) -> None:
    with pytest.raises(DataError) as stopped:
        run(tmp_path, *files, **log)
    assert "look like" not in str(stopped.value)
    if "1900" not in str(files):
        assert "have decades between them (1970-" in str(stopped.value)
        assert "2023-11-14 to 2023-11-23" in str(stopped.value)


def test_few_times_decades_apart_are_bad_rows_and_no_part_of_the_log(tmp_path: Path) -> None:
    few = run(tmp_path / "few", [0, *SECONDS[:150]], [*SECONDS[150:], 5])
    assert few.report["bad_rows_by_reason"] == {"timestamp decades apart from most others": 2}
    assert list(few.report["bad_rows_by_file"].values()) == [{"timestamp decades apart from most others": 1}] * 2
    assert few.report["oldest_timestamp"] == SECONDS[0]
    times = {time for row in few.by_user("train").values() for time in row["timestamp"]}
    assert min(times) >= SECONDS[0]


def test_future_times_of_some_rows_get_no_hint_of_a_unit_that_fits_these_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError) as stopped:
        run(tmp_path, [*SECONDS, *[second * 1000 for second in SECONDS[:50]]])
    assert "50 of 250 rows are bad" in str(stopped.value)
    assert "look like" not in str(stopped.value)


def test_counts_from_a_start_are_times_too(tmp_path: Path) -> None:
    assert run(tmp_path, list(range(200))).report["bad_rows"] == 0
