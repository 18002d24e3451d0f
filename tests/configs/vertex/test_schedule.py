import pytest
from pydantic import ValidationError

from configs.vertex.schedule import Schedule


@pytest.mark.parametrize(
    "times",
    [
        {"start_time": "2026-13-01T00:00:00Z"},
        {"end_time": "2026-02-30T00:00:00+01:00"},
        {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-01T00:30:00+01:00"},
    ],
)
def test_schedule_times_that_are_none_or_end_before_the_start_are_refused(times: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"is not a valid time|end_time must be after start_time"):
        Schedule.model_validate({"cron": "0 3 * * *", **times})


@pytest.mark.parametrize(
    ("cron", "fits"),
    [("*/5 1-3 1,15 JAN Mon-Fri", True), ("0 3 * * 1#2", False), ("@ 0 * * *", False), ("0 3 * *", False)],
)
def test_schedule_cron_has_numbers_names_and_four_signs(cron: str, fits: bool) -> None:
    if fits:
        assert Schedule(cron=cron).cron == cron
    else:
        with pytest.raises(ValidationError, match="cron"):
            Schedule(cron=cron)
