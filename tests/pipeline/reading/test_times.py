"""Times in every form: numbers, digits, ISO 8601 with and without offsets, and Parquet's types."""

import datetime
import random
import zoneinfo

import numpy as np
import pyarrow as pa
import pytest

from pipeline.reading import times
from pipeline.reading.bad_rows import Problems

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2023, 11, 14, 23, 37, 47, 123456, tzinfo=UTC)
SECONDS = 1700005067
FORMS = {
    "2023-11-14": SECONDS - 23 * 3600 - 37 * 60 - 47,
    "2023-11-14T23": SECONDS - 37 * 60 - 47,
    "2023-11-14 23:37": SECONDS - 47,
    "2023-11-14T23:37:47": SECONDS,
    "2023-11-14 23:37:47": SECONDS,
    "2023-11-14t23:37:47z": SECONDS,
    "2023-11-14T23:37:47Z": SECONDS,
    "2023-11-14T23:37:47.123Z": SECONDS + 0.123,
    "2023-11-14 23:37:47.123456": SECONDS + 0.123456,
    "2023-11-14 23:37:47,123": SECONDS + 0.123,
    "2023-11-14T23:37:47.1": SECONDS + 0.1,
    "2023-11-14T23:37:47.123456789": SECONDS + 0.123456,
    "2023-11-14T23:37:47.1234567891Z": SECONDS + 0.123456,
    "2023-11-15T01:37:47+02:00": SECONDS,
    "2023-11-15T01:37:47+0200": SECONDS,
    "2023-11-15 01:37:47+02": SECONDS,
    "2023-11-15 01:37:47 +02:00": SECONDS,
    "2023-11-14T18:07:47-05:30": SECONDS,
    "2023-11-14 23:37:47 UTC": SECONDS,
    "2023-11-14 23:37:47.5 UTC": SECONDS + 0.5,
    " 2023-11-14T23:37:47 ": SECONDS,
    "2023-11-14T233747": SECONDS,
    "1969-12-31T23:59:59": -1,
}
NO_TIMES = [
    "2023-02-29", "2023-13-01", "2023-00-10", "2023-11-31T00:00:00", "2023-11-14T24:01:00", "2023-11-14T23:60",
    "2023-11-14T23:37:61", "14.11.2023", "11/14/2023", "2023-11-14T", "2023-11", "yesterday", "T23:37", "2023-11-14Zu",
    "12 345", "x1700005067",
]  # fmt: skip


def read(cells: object, unit: str = "us", zone: str = "UTC") -> tuple[list[int], dict[str, int], Problems]:
    column = cells if isinstance(cells, (pa.Array, pa.ChunkedArray)) else pa.array(cells, pa.string())
    problems = Problems.none(len(column))
    found = times.read(pa.chunked_array([column]), unit, zone, "timestamp", problems)
    assert found.dtype == np.int64
    return found.tolist(), problems.counts(), problems


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_read_each_form_alone(text: str, unit: str) -> None:
    found, bad, _ = read([text], unit)
    assert bad == {}
    microseconds, scale = round(FORMS[text] * 10**6), times.UNITS[unit]
    if scale > 10**6:  # FORMS has microseconds
        assert found[0] // 1000 == microseconds
    else:
        assert found[0] == microseconds * scale // 10**6


def test_read_all_forms_together_with_numbers_words_and_holes() -> None:
    texts: list[str | None] = [*FORMS, *NO_TIMES, None, "1700005067000000", "1.7e15", "nan"]
    random.Random(0).shuffle(texts)
    found, bad, problems = read(texts)
    expected = {
        **{text: round(seconds * 10**6) for text, seconds in FORMS.items()},
        "1700005067000000": SECONDS * 10**6,
    }
    expected["1.7e15"] = 1_700_000_000_000_000
    for text, moment, good in zip(texts, found, problems.good.tolist(), strict=True):
        assert good is (text in expected), text
        assert moment == expected.get(text or "", 0), text
    assert bad == {
        "timestamp is not a time": len(NO_TIMES),
        "timestamp is empty": 1,
        "timestamp is not finite": 1,
    }


@pytest.mark.parametrize("text", NO_TIMES)
def test_read_what_is_no_time_alone(text: str) -> None:
    assert read([text])[:2] == ([0], {"timestamp is not a time": 1})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_read_local_times_are_those_of_the_zone(zone: str) -> None:
    rng = random.Random(zone)
    there = zoneinfo.ZoneInfo(zone)
    locals_ = [
        datetime.datetime(2023, 1, 1) + datetime.timedelta(minutes=rng.randrange(2 * 365 * 24 * 60))
        for _ in range(3000)
    ]
    # Around the changes, each quarter of an hour.
    for day in ((2023, 3, 26), (2023, 10, 29), (2023, 3, 12), (2023, 11, 5), (2023, 4, 2), (2023, 10, 1)):
        locals_ += [datetime.datetime(*day) + datetime.timedelta(minutes=15 * n) for n in range(96)]
    expected = [int(local.replace(tzinfo=there).timestamp()) for local in locals_]
    assert read([local.isoformat() for local in locals_], "s", zone)[0] == expected
    assert read([local.isoformat(" ") if n % 2 else f"{local}.5" for n, local in enumerate(locals_)], "s", zone)[0] == (
        expected
    )
    assert read(pa.array(locals_, pa.timestamp("us")), "s", zone)[0] == expected
    assert read([local.strftime("%Y%m%d%H%M%S") for local in locals_], "compact", zone)[0] == expected
    assert read(["2023-07-01T12:00:00Z", "2023-07-01T12:00:00"], "s", zone)[0][0] == 1688212800
    assert read(["1700005067"], "s", zone)[0] == [SECONDS]


@pytest.mark.parametrize(
    ("cells", "unit", "expected"),
    [
        (pa.array([SECONDS, None]), "s", [SECONDS, 0]),
        (pa.array([SECONDS * 10**9, None]), "ns", [SECONDS * 10**9, 0]),
        (pa.array([float(SECONDS) + 0.5, None]), "s", [SECONDS, 0]),
        (pa.array([MOMENT, None], pa.timestamp("us", "UTC")), "ms", [SECONDS * 1000 + 123, 0]),
        (pa.array([MOMENT.replace(tzinfo=None), None], pa.timestamp("ns")), "s", [SECONDS, 0]),
        (pa.array([MOMENT, None], pa.timestamp("ms", "America/New_York")), "us", [SECONDS * 10**6 + 123000, 0]),
        (pa.array([MOMENT.date(), None]), "s", [SECONDS - 85067, 0]),
        (pa.array(["2023-11-14T23:37:47Z", None], pa.large_string()), "s", [SECONDS, 0]),
        (pa.array(["2023-11-14 23:37:47", None]).dictionary_encode(), "s", [SECONDS, 0]),
        (pa.array([20231114233747, None]), "compact", [SECONDS, 0]),
        (pa.array([20231114, None]), "compact", [SECONDS - 85067, 0]),
        (pa.array([20231114233747.0, None]), "compact", [SECONDS, 0]),
    ],
)
def test_read_columns_of_parquet(cells: pa.Array, unit: str, expected: list[int]) -> None:
    found, bad, _ = read(cells, unit)
    assert (found, bad) == (expected, {"timestamp is empty": 1})


def test_from_digits_against_pythons_calendar() -> None:
    rng = random.Random(0)
    valid = [
        datetime.datetime(1900, 1, 1) + datetime.timedelta(seconds=rng.randrange(200 * 365 * 86_400))
        for _ in range(2000)
    ]
    for form, cut in (("%Y%m%d", 86_400), ("%Y%m%d%H%M", 60), ("%Y%m%d%H%M%S", 1)):
        numbers = np.array([int(moment.strftime(form)) for moment in valid])
        seconds, fits = times.from_digits(numbers)
        assert fits.all()
        expected = [int((moment - datetime.datetime(1970, 1, 1)).total_seconds()) // cut * cut for moment in valid]
        assert seconds.tolist() == expected
    wrong = [0, -20231114, 2023, 20230229, 20231301, 20230010, 202311142460, 20231114240000, 20231114236000, 10**14,
             2**62, -(2**62), 1700005067, 20231100]  # fmt: skip
    assert not times.from_digits(np.array(wrong))[1].any()
