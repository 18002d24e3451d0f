import math

import pytest

from pipeline.report import numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.089312, "0.0893"),
        (0.09996, "0.100"),
        (12.345, "12.3"),
        (1430, "1,430"),
        (54433.2, "54,433"),
        (999.6, "1,000"),
        (0, "0"),
        (-0.00357, "−0.00357"),
        (1.2e-7, "1.20e−07"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_significant_three_digits(value: float | None, shown: str) -> None:
    assert numbers.significant(value) == shown


def test_signed_says_its_sign() -> None:
    assert [numbers.signed(value) for value in (0.5, -0.5, 0, None)] == ["+0.500", "−0.500", "0", "–"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (4320, "1 h 12 min")],
)
def test_duration_in_a_person_s_units(seconds: float, shown: str) -> None:
    assert numbers.duration(seconds) == shown


def test_share_small_part_is_not_nothing() -> None:
    assert [numbers.share(*pair) for pair in ((37, 100_000), (0, 5), (1, 4), (1, 0))] == [
        "< 0.1 %",
        "0.0 %",
        "25.0 %",
        "–",
    ]


def test_moment_beyond_any_calendar_is_written_in_seconds() -> None:
    assert numbers.moment(874_724_710) == "1997-09-20 03:05"
    assert numbers.moment(10**15) == "1,000,000,000,000,000 s"
