from datetime import datetime, timedelta, timezone

import pytest

from common.errors import ConfigError
from configs.vertex.schedule import Schedule
from pipeline.runners.vertex.schedule_request import upcoming


def test_upcoming_time_zone_with_summer_time_keeps_the_clock() -> None:
    before_summer_time = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)

    moments = upcoming(Schedule(cron="0 3 * * *", time_zone="Europe/Berlin"), before_summer_time)

    assert [moment.astimezone(timezone.utc) for moment in moments] == [
        datetime(2026, 3, day, 1, tzinfo=timezone.utc) for day in (29, 30, 31)
    ]


def test_upcoming_start_and_end_bound_the_moments() -> None:
    bounded = Schedule(cron="0 0 * * *", start_time="2030-01-01T12:00:00Z", end_time="2030-01-03T00:00:00Z")

    moments = upcoming(bounded, datetime(2026, 1, 1, tzinfo=timezone.utc))

    assert moments == [datetime(2030, 1, 2, tzinfo=timezone.utc)]


@pytest.mark.parametrize("cron", ["99 3 * * *", "0 3 31 2 *"])
def test_upcoming_cron_that_means_no_time_is_refused(cron: str) -> None:
    with pytest.raises(ConfigError, match=r"vertex\.schedule\.cron"):
        upcoming(Schedule(cron=cron), datetime.now(timezone.utc) + timedelta(days=1))
