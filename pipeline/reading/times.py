"""Reads columns of times: numbers since 1970, digits of date and time, ISO 8601, and Parquet's own types."""

import datetime
import zoneinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.reading import bad_rows, columns
from pipeline.reading.bad_rows import Problems

UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Unit of a timestamp to the number of such units in a second."""

COMPACT = "compact"
"""The `timestamp_unit` of numbers such as 20231115 and 20231115003612, which are the digits of a date and a time."""

NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
"""Unit to its name in messages."""

EARLIEST = int(datetime.datetime(1990, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
"""Unix seconds. Older times were probably read in a wrong unit: Unix seconds read as milliseconds are in 1970."""

_INTEGER = r"^[+-]?\d{1,18}$"

ISO = (
    r"^(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9})\d*)?)?)?"
    r" ?(?:(?P<zero>[Zz]|UTC|GMT)|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?)?$"
)
"""ISO 8601 as databases and pandas write it; some put a blank before the offset, or write UTC for Z."""

_FIRST = 10
"""Texts that tell which forms need not be tried for all."""

_DAY = 86_400
_QUARTER = 900
"""Seconds of a day, and of the steps in which time zones change their offsets."""

_Seconds = npt.NDArray[np.int64]


def unit_of(timestamp_unit: str) -> str:
    """Returns the unit in which times are kept that the config's `timestamp_unit` describes."""
    return "s" if timestamp_unit == COMPACT else timestamp_unit


def per_second(timestamp_unit: str) -> int:
    """Returns the number of the kept units in a second."""
    return UNITS[unit_of(timestamp_unit)]


def read(column: Any, timestamp_unit: str, time_zone: str, field: str, problems: Problems) -> npt.NDArray[np.int64]:
    """Reads a column of times.

    Args:
        column: ChunkedArray of numbers or text in `timestamp_unit`, of ISO 8601 text, or of Parquet's own timestamps
            and dates.
        timestamp_unit: As in the config.
        time_zone: The IANA time zone of dates and times without an offset.
        field: The field's name, for reasons.
        problems: Gets the rows whose cell is empty or no time.

    Returns:
        [rows] int64 in `unit_of(timestamp_unit)`, fractions cut off; 0 where the cell is no time.
    """
    cells = columns.plain(column)
    if pa.types.is_date(cells.type):
        cells = cells.cast(pa.timestamp("s"))
    if pa.types.is_timestamp(cells.type):
        problems.add(np.asarray(cells.is_null()), f"{field} {bad_rows.EMPTY}")
        return _of_timestamps(cells, timestamp_unit, time_zone)
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        cells = columns.texts(cells, field, problems)
    if pa.types.is_large_string(cells.type):
        cells = cells.cast(pa.string())
    if pa.types.is_uint64(cells.type) or pa.types.is_decimal(cells.type):
        cells = _whole_if_exact(cells)
    if pa.types.is_string(cells.type):
        if not _are_integers(cells):
            return _of_texts(cells, timestamp_unit, time_zone, field, problems)
        cells = pc.replace_substring_regex(cells, r"^\+", "").cast(pa.int64())
    return _of_numbers(cells, timestamp_unit, time_zone, field, problems)


def plausible(numbers: npt.NDArray[np.int64], timestamp_unit: str, latest: float) -> npt.NDArray[np.bool_]:
    """Tells which numbers are times between `EARLIEST` and another time.

    Args:
        numbers: [n] int64.
        timestamp_unit: As in the config.
        latest: Unix seconds.

    Returns:
        [n] bool.
    """
    if timestamp_unit == COMPACT:
        seconds, fits = from_digits(numbers)
        return fits & (seconds >= EARLIEST) & (seconds <= latest)
    scale = UNITS[timestamp_unit]
    return (numbers >= EARLIEST * scale) & (numbers <= latest * scale)


def from_digits(numbers: npt.NDArray[np.int64]) -> tuple[_Seconds, npt.NDArray[np.bool_]]:
    """Converts numbers such as 20231115, 202311150036 and 20231115003612 to times.

    Args:
        numbers: [n] int64.

    Returns:
        [n] int64, seconds from 1970-01-01 00:00 on the clock that wrote them, 0 where a number is no time; and [n]
        bool, where it is one.
    """
    digits = np.searchsorted([10**8, 10**12], numbers, side="right")  # 8, 12 or 14 digits
    fits = (numbers >= np.array([10**7, 10**11, 10**13])[digits]) & (numbers < 10**14)
    whole = np.where(fits, numbers, 10**7) * np.where(fits, np.array([10**6, 100, 1])[digits], 1)
    date, clock = whole // 10**6, whole % 10**6
    year, month, day = date // 10**4, date // 100 % 100, date % 100
    hour, minute, second = clock // 10**4, clock // 100 % 100, clock % 100
    fits &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    first = ((np.where(fits, year, 1970) - 1970) * 12 + np.where(fits, month, 1) - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64)
    fits &= day <= (first + 1).astype("datetime64[D]").astype(np.int64) - days
    return np.where(fits, (days + day - 1) * _DAY + hour * 3600 + minute * 60 + second, 0), fits


def _are_integers(cells: Any) -> bool:
    """Whether all texts are integers; a column whose first text is none costs no look at the others."""
    return all(pc.all(pc.match_substring_regex(part, _INTEGER), min_count=0).as_py() for part in (cells[:1], cells))


def _whole_if_exact(cells: Any) -> Any:
    """Converts numbers to int64 if none has a fraction or is too large; a float64 is too short for nanoseconds."""
    try:
        return cells.cast(pa.int64())
    except pa.ArrowInvalid:
        return cells


def _of_numbers(
    cells: Any, timestamp_unit: str, time_zone: str, field: str, problems: Problems
) -> npt.NDArray[np.int64]:
    if pa.types.is_integer(cells.type) and not pa.types.is_uint64(cells.type):
        if cells.null_count:
            problems.add(np.asarray(cells.is_null()), f"{field} {bad_rows.EMPTY}")
            cells = cells.fill_null(0)
        whole = cells.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    else:
        found = columns.finite(cells, field, problems)
        # A number too large for an int64 is no time in any unit; the clipped one is still far in future or past.
        whole = np.clip(np.floor(found), -(2.0**62), 2.0**62).astype(np.int64)
    if timestamp_unit != COMPACT:
        return whole
    seconds, fits = from_digits(whole)
    problems.add(~fits, f"{field} {bad_rows.NOT_A_TIME}")
    return _to_utc(seconds, time_zone)


def _of_timestamps(cells: Any, timestamp_unit: str, time_zone: str) -> npt.NDArray[np.int64]:
    """Converts an array of Arrow's timestamps; 0 where there is none."""
    unit = unit_of(timestamp_unit)
    kept = pc.cast(cells, pa.timestamp(unit, cells.type.tz), safe=False).cast(pa.int64()).fill_null(0)
    times = kept.to_numpy(zero_copy_only=False)
    if cells.type.tz is not None or time_zone == "UTC":
        return times
    seconds = times // UNITS[unit]
    return times + (_to_utc(seconds, time_zone) - seconds) * UNITS[unit]


def _of_texts(cells: Any, timestamp_unit: str, time_zone: str, field: str, problems: Problems) -> npt.NDArray[np.int64]:
    problems.add(np.asarray(cells.is_null()), f"{field} {bad_rows.EMPTY}")
    for zone in (None, "UTC"):  # the usual columns at once: all without an offset, or all with one
        try:
            for part in (cells[:_FIRST], cells):  # Arrow's error is slow for many texts, so a few come first
                moments = part.cast(pa.timestamp("us", zone))
            return _of_timestamps(moments, timestamp_unit, time_zone)
        except pa.ArrowInvalid:
            continue
    found, is_time = _of_iso(cells, timestamp_unit, time_zone)
    # What is no ISO 8601 may be a number, where two exports were put together.
    numbers = columns.parse_numbers(cells)
    is_number = np.asarray(pc.is_valid(numbers)) & ~is_time
    problems.add(~is_time & ~is_number, f"{field} {bad_rows.NOT_A_TIME}")
    if is_number.any():
        places = np.flatnonzero(is_number)
        among = Problems.none(len(places))
        found[places] = _of_numbers(numbers.take(pa.array(places)), timestamp_unit, time_zone, field, among)
        for place, reason in among.bad():
            problems.add(np.arange(len(found)) == places[place], reason)
    return found


def _of_iso(cells: Any, timestamp_unit: str, time_zone: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Converts texts in any form of ISO 8601; returns the times, 0 where a text is none, and where it is one."""
    parts = pc.extract_regex(pc.utf8_trim_whitespace(cells), ISO)
    names = [field.name for field in parts.type]

    def part(name: str, width: int = 0) -> Any:
        texts = pc.fill_null(pc.struct_field(parts, [names.index(name)]), "")
        return pc.utf8_rpad(texts, width, "0")

    date = pc.replace_substring(part("date", 10), "-", "")
    digits = pc.binary_join_element_wise(date, part("hour", 2), part("minute", 2), part("second", 2), "")
    seconds, is_time = from_digits(digits.cast(pa.int64()).to_numpy(zero_copy_only=False))
    is_time &= np.asarray(pc.is_valid(parts))
    away = (_whole(part("hours", 2)) * 60 + _whole(part("minutes", 2))) * 60
    is_west = np.asarray(pc.equal(part("sign"), "-"))
    has_offset = np.asarray(pc.not_equal(pc.binary_join_element_wise(part("sign"), part("zero"), ""), ""))
    in_utc = np.where(has_offset, seconds - np.where(is_west, -away, away), _to_utc(seconds, time_zone))
    scale = per_second(timestamp_unit)
    fraction = _whole(part("fraction", 9)) // (10**9 // scale)
    return np.where(is_time, in_utc * scale + fraction, 0), is_time


def _whole(texts: Any) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = texts.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _to_utc(seconds: _Seconds, time_zone: str) -> _Seconds:
    """Converts the seconds of a clock in a time zone; an hour that comes twice is the first of the two."""
    if time_zone == "UTC":
        return seconds
    zone = zoneinfo.ZoneInfo(time_zone)

    def offsets(starts: _Seconds) -> _Seconds:
        epoch = datetime.datetime(1970, 1, 1)
        found = [zone.utcoffset(epoch + datetime.timedelta(seconds=start)) for start in starts.tolist()]
        return np.array([0 if each is None else each.total_seconds() for each in found], np.int64)

    days, day = np.unique(seconds // _DAY, return_inverse=True)
    first = offsets(days * _DAY)
    away = first[day]
    changing = (first != offsets((days + 1) * _DAY))[day]
    if changing.any():
        quarters, quarter = np.unique(seconds[changing] // _QUARTER, return_inverse=True)
        away[changing] = offsets(quarters * _QUARTER)[quarter]
    return seconds - away
