"""Formats numbers for the report: three significant digits, thousands separated, a dash for a missing value."""

import math
from datetime import datetime, timezone

MISSING = "–"

_MINUTE = 60
_HOUR = 3600


def significant(value: float | None) -> str:
    """Formats a measure with three significant digits; numbers from 1,000 on, which may be counts, to the unit.

    Args:
        value: The number; None, infinity and not-a-number count as missing.

    Returns:
        A text such as `0.0893`, `−12.4` or `1,430`; with a minus sign, not a hyphen.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        return f"{value:,.0f}".replace("-", "−")
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    # 0.9996 becomes 1.00, which has one digit fewer after the point.
    digits = 2 - math.floor(math.log10(abs(rounded)))
    if digits > 6:
        return f"{rounded:.2e}".replace("-", "−")
    return f"{rounded:,.{max(digits, 0)}f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Formats a number as `significant` does, with a plus or a minus sign."""
    shown = significant(value)
    return f"+{shown}" if value is not None and math.isfinite(value) and value > 0 else shown


def count(value: float | None) -> str:
    """Formats a whole number with separated thousands."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:,.0f}"


def share(part: float | None, whole: float | None) -> str:
    """Formats `part` of `whole` in per cent; a share above zero but below 0.1 % is shown as `< 0.1 %`."""
    if part is None or not whole:
        return MISSING
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %"


def duration(seconds: float | None) -> str:
    """Formats seconds for people, such as `0.4 s`, `38 s`, `2 min 05 s` or `1 h 12 min`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def moment(unix_seconds: float | None) -> str:
    """Formats a time of the data as a date, in UTC."""
    if unix_seconds is None:
        return MISSING
    try:
        return datetime.fromtimestamp(unix_seconds, timezone.utc).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):  # a log's timestamps may be beyond any calendar
        return f"{unix_seconds:,.0f} s"
