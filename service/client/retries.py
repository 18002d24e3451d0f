"""Decides how long a client waits before it asks again."""

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

AGAIN = (429, 503)
"""The statuses after which the same request may succeed."""

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 2.0
"""Between two attempts, if the service does not name a time. A restart of its model takes some seconds."""


def pause_seconds(attempt: int, retry_after: str | None) -> float:
    """How long to wait: twice as long each time, less a random part, so that clients do not come back all at once.

    Args:
        attempt: How many attempts have failed, less one.
        retry_after: The header of the answer; the wait is not shorter.

    Returns:
        Seconds. "Full jitter" of Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
    """
    longest = min(_FIRST_SECONDS * 2 ** min(attempt, 10), _LONGEST_SECONDS)
    return _wanted_seconds(retry_after) + random.uniform(0, longest)


def _wanted_seconds(retry_after: str | None) -> float:
    """Reads Retry-After: seconds or a date (RFC 9110, 10.2.3); 0 for anything else."""
    if retry_after is None:
        return 0.0
    text = retry_after.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
