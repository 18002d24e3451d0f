"""How long a client waits before it asks again."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from service.client.retries import pause_seconds


@pytest.mark.parametrize(("attempt", "longest"), [(0, 0.1), (1, 0.2), (4, 1.6), (5, 2.0), (10_000, 2.0)])
def test_pause_doubles_up_to_a_limit_and_is_spread(attempt: int, longest: float) -> None:
    pauses = [pause_seconds(attempt, None) for _ in range(200)]
    assert 0 <= min(pauses) < longest / 2 < max(pauses) <= longest


def test_pause_is_not_shorter_than_what_the_service_names() -> None:
    assert 7 <= pause_seconds(0, "7") <= 7.1
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=100), usegmt=True)
    assert 98 <= pause_seconds(0, date) <= 100.1


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "٣", "9" * 5000, "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_retry_after_that_is_none_or_over_counts_for_nothing(text: str) -> None:
    assert pause_seconds(0, text) <= 0.1
