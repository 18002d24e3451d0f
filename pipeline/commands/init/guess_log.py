"""Guesses which columns of a log are users, items, times and values."""

import datetime
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.errors import DataError
from pipeline.commands.init import words
from pipeline.commands.init.heads import Head, plain_ids
from pipeline.commands.init.notes import Note
from pipeline.reading import times

_NEARLY_ALL = 0.95
"""The share of cells that decides what a column holds."""

_MOST_RATINGS, _MOST_EVENT_TYPES = 101, 30
"""Different values that a column of ratings, and one of event types, has at most."""

_FEW_EMPTY = 0.01
"""The share of rows without an id that a run allows by default."""

_COMPARED_IDS = 2_000
"""Ids of the log, about, that are looked for in each column of the catalogue."""

_OTHER_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")

_NAMES = {**times.NAMES, times.COMPACT: "digits of a date"}

_DAY = 86_400
_FAR = 1 << 62
"""A number that is no time in any unit."""


@dataclass
class LogGuess:
    """The columns of a log, and its settings besides `format`."""

    columns: dict[str, int] = field(default_factory=dict)
    """`user_id`, `item_id`, and `timestamp` and `value` if there are any, to positions."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Fields of `log` that differ from their defaults."""

    notes: dict[str, Note] = field(default_factory=dict)
    """What is said about columns and settings."""

    good_rating: float | None = None
    """A rating from which on a user likes an item, perhaps; None if the values are no ratings."""


def guess(log: Head, catalogue: Head | None) -> LogGuess:
    """Guesses the columns of a log.

    Args:
        log: Its beginning.
        catalogue: The catalogue's beginning, whose ids tell the column of items; None if there is none.

    Raises:
        DataError: The log has too few columns to be one.
    """
    found = LogGuess()
    _find_time(log, found)
    _find_value(log, found)
    _find_ids(log, catalogue, found)
    if "value" in found.columns:
        _weigh_events(log, found)
    if "timestamp" not in found.columns:
        unread = _unread_times(log, found)
        found.settings["split"] = {"method": "random"}
        found.notes["split"] = Note(
            f"{unread or 'the log has no column of times'}. With leave_last, the rows must be in order of time",
            is_sure=False,
            otherwise="split: {method: leave_last}",
        )
    return found


def _unread_times(log: Head, found: LogGuess) -> str | None:
    """Names a column of times in a form that is not read; None if there is none."""
    for place in _free(log, found):
        cells = filled(log.columns[place])
        if cells and (_name(log, place) in words.TIME or _OTHER_DATE.match(cells[0])):
            return f"{log.label(place)} may be times, such as {cells[0]!r}; they are read in ISO 8601 alone"
    return None


def filled(cells: Sequence[str]) -> list[str]:
    """The cells that are not empty."""
    return [cell for cell in cells if cell]


def overlap(ids: set[str], catalogue: Head, place: int) -> float:
    """The share of the ids that a column of the catalogue holds, however blanks and fractions are written."""
    some = sorted(ids)[:: len(ids) // _COMPARED_IDS + 1]
    there = catalogue.plain_ids(place)
    return sum(one in there for one in plain_ids(some)) / len(some) if some else 0.0


def _name(log: Head, place: int) -> str:
    return words.plain(log.name(place) or "")


def _rank(name: str, known: Sequence[str]) -> int | None:
    """How usual a name is, from 0; a name that only holds a usual one comes after all; None if it does not."""
    if name in known:
        return known.index(name)
    inside = [n for n, one in enumerate(known) if len(one) > 3 and one in name]
    return len(known) + min(inside) if inside else None


def _free(log: Head, found: LogGuess) -> list[int]:
    return [place for place in range(len(log.columns)) if place not in found.columns.values()]


def _find_time(log: Head, found: LogGuess) -> None:
    best: tuple[int, int, str, Note] | None = None
    for place, cells in enumerate(log.columns):
        rank = _rank(_name(log, place), words.TIME)
        seen = filled(cells)
        is_id = _rank(_name(log, place), (*words.USER, *words.ITEM)) is not None
        if not seen or (is_id and rank is None and not words.looks_like_time(seen[0])):
            continue
        unit_and_note = _unit(seen, log.types.get(place), is_named=rank is not None)
        if unit_and_note is None:
            continue
        order = len(words.TIME) * 3 if rank is None else rank
        if best is None or order < best[0]:
            best = (order, place, *unit_and_note)
    if best is None:
        return
    _, found.columns["timestamp"], unit, found.notes["timestamp"] = best
    if unit != "s":
        found.settings["timestamp_unit"] = unit


def _unit(cells: list[str], arrow_type: str | None, is_named: bool) -> tuple[str, Note] | None:
    """The unit of a column of times and what to say; None if it holds no times."""
    if arrow_type == "time":
        return "s", Note(f"Parquet's own type of times, such as {cells[0]}")
    iso = sum(map(words.looks_like_time, cells))
    if iso >= _NEARLY_ALL * len(cells):
        return "s", Note(f"dates or times in ISO 8601, such as {cells[0]}")
    # A fraction of a second is cut off.
    wholes = [cell.strip().partition(".")[0] if is_named else cell for cell in cells]
    found = [int(cell) for cell in wholes if words.is_whole(cell)]
    if len(found) < _NEARLY_ALL * len(cells):
        return None
    numbers = np.array([max(-_FAR, min(number, _FAR)) for number in found], np.int64)
    fits = {unit: times.plausible(numbers, unit, time.time() + _DAY) for unit in (*times.UNITS, times.COMPACT)}
    for unit, which in fits.items():
        if which.all():
            if unit == times.COMPACT and not is_named:
                return None  # ids of eight digits may be dates by chance
            return unit, Note(f"{_NAMES[unit]}: {_date(numbers.min(), unit)} to {_date(numbers.max(), unit)}")
    counts = Counter({unit: int(which.sum()) for unit, which in fits.items() if which.any()})
    if not is_named or not counts:
        return None
    unit, most = counts.most_common(1)[0]
    others = ", ".join(f"{rows:,} as {_NAMES[other]}" for other, rows in counts.most_common()[1:])
    rest = others or f"{len(numbers) - most:,} in no unit"
    return unit, Note(
        f"{most:,} of {len(numbers):,} times are plausible as {_NAMES[unit]}, {rest}: correct the files, or the run "
        "stops",
        is_sure=False,
        otherwise="another unit",
    )


def _date(number: np.int64, unit: str) -> str:
    digits, _ = times.from_digits(np.array([number]))
    seconds = int(digits[0]) if unit == times.COMPACT else int(number) // times.UNITS[unit]
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc).date().isoformat()


def _find_value(log: Head, found: LogGuess) -> None:
    best: tuple[int, int, Note] | None = None
    for place in _free(log, found):
        cells = filled(log.columns[place])
        name = _name(log, place)
        is_id = _rank(name, (*words.USER, *words.ITEM)) is not None
        if not cells or (is_id and not name.endswith(("rating", "ratings", "score", "stars"))):
            continue
        kinds = set(cells)
        is_number = sum(map(words.is_number, cells)) >= _NEARLY_ALL * len(cells)
        named_event, named_value = (_rank(_name(log, place), known) for known in (words.EVENT, words.VALUE))
        are_events = any(_weight(kind) for kind in kinds) and not is_number
        if (are_events or named_event is not None) and len(kinds) <= _MOST_EVENT_TYPES:
            if named_event is None or named_event >= len(words.EVENT):
                named_event = 50 if are_events else 300  # after the usual names, and after ratings
            order, note = named_event, Note(f"event types: {words.shown(sorted(kinds), 6)}")
        elif is_number and named_value is not None:
            order, note = 100 + named_value, _of_numbers(kinds)
        elif is_number and log.names is None and 1 < len(kinds) <= _MOST_RATINGS and len(kinds) < len(cells) / 20:
            order, note = 200, _of_numbers(kinds)
        else:
            continue
        if best is None or order < best[0]:
            best = (order, place, note)
    if best is not None:
        _, found.columns["value"], found.notes["value"] = best


def _of_numbers(kinds: set[str]) -> Note:
    ordered = sorted((kind for kind in kinds if words.is_number(kind)), key=lambda kind: float(kind.replace(",", ".")))
    return Note(f"{len(ordered)} different numbers from {ordered[0]} to {ordered[-1]}, as of ratings")


def _weight(kind: str) -> float | None:
    return next((weight for weight, names in words.EVENT_WEIGHTS.items() if words.plain(kind) in names), None)


def _weigh_events(log: Head, found: LogGuess) -> None:
    place = found.columns["value"]
    kinds = Counter(filled(log.columns[place]))
    is_number = all(map(words.is_number, kinds))
    if is_number and _rank(_name(log, place), words.EVENT) is None:
        with_comma = [kind for kind in kinds if "," in kind]
        if with_comma:
            log.format["decimal"] = ","
            log.notes["decimal"] = Note(f"{log.label(place)} is written as {words.shown(with_comma[:2])}")
        _suggest_good_ratings(sorted({float(kind.replace(",", ".")) for kind in kinds}), found)
        return
    weights = {kind: _weight(kind) for kind, _ in kinds.most_common()}
    unknown = [kind for kind, weight in weights.items() if weight is None]
    found.settings["event_weights"] = {kind: weight or 1.0 for kind, weight in weights.items()}
    found.settings["cleaning"] = {"deduplicate": "sum"}
    found.notes["cleaning"] = Note("all events of a user with one item count together")
    counted = ", ".join(f"{kind!r} {rows:,}" for kind, rows in kinds.most_common())
    found.notes["event_weights"] = Note(
        f"rows of each type: {counted}"
        + (f". The weight of {words.shown(unknown, 30)} is not known: 1 is no guess" if unknown else "")
        + ("" if log.is_whole else ". Rows that were not looked at may be of further types: they would be bad rows"),
        is_sure=not unknown and log.is_whole,
        otherwise="other types or weights",
    )


def _suggest_good_ratings(ratings: list[float], found: LogGuess) -> None:
    good = [rating for rating in ratings if rating >= 0.7 * ratings[-1]]
    if len(good) < len(ratings) <= _MOST_RATINGS and good[0] > 0:
        found.good_rating = good[0]


def _find_ids(log: Head, catalogue: Head | None, found: LogGuess) -> None:
    free = _free(log, found)
    if len(free) < 2:
        raise DataError(
            f"{log.files[0]}: has {len(log.columns)} column(s), {words.shown(log.names or [], 20) or 'without names'}; "
            "a log needs one for users and one for items. Is it the right file?"
        )
    ranks = {
        role: {place: rank for place in free if (rank := _rank(_name(log, place), known)) is not None}
        for role, known in (("user_id", words.USER), ("item_id", words.ITEM))
    }
    shares = {place: _share_in(catalogue, log.columns[place]) for place in free}
    user = min(ranks["user_id"], key=ranks["user_id"].__getitem__, default=None)
    items = {place: rank for place, rank in ranks["item_id"].items() if place != user}
    item = min(items, key=lambda place: (-round(shares[place], 1), items[place]), default=None)
    named_user, named_item = user is not None, item is not None
    # What no name tells, the catalogue's ids tell; then the order of the columns, users first.
    others = [place for place in free if place not in (user, item) and _may_be_id(log.columns[place], log.rows)]
    others += [place for place in free if place not in (user, item, *others)]
    if item is None:
        candidates = others if user is not None else (others[1:] + others[:1])
        item = max(candidates, key=lambda place: round(shares[place], 1))
        others.remove(item)
    if user is None:
        user = others[0]
    found.columns |= {"user_id": user, "item_id": item}
    for role, place, is_named in (("user_id", user, named_user), ("item_id", item, named_item)):
        ids = list(dict.fromkeys(filled(log.columns[place])))
        what = f"{len(ids):,} different ids, such as {words.shown(ids, 2)}"
        is_told = role == "item_id" and shares[item] >= 0.5 and shares[item] > max(shares[user], 0) + 0.2
        if is_told:
            what += f"; {shares[item]:.0%} of them are in the catalogue"
        empty = 1 - len(filled(log.columns[place])) / log.rows
        if empty > _FEW_EMPTY:
            what += (
                f". {empty:.0%} of the cells are empty: such rows are bad; cleaning.max_bad_fraction must allow them"
            )
        rest = [log.label(other) for other in free if other != place]
        found.notes[role] = Note(
            what if is_named or is_told else f"{what}. No name tells it; the order of the columns does",
            is_sure=(is_named or is_told) and empty <= _FEW_EMPTY,
            otherwise=" or ".join(rest[:6]),
        )


def _may_be_id(cells: Sequence[str], rows: int) -> bool:
    seen = filled(cells)
    return bool(seen) and len(seen) >= _NEARLY_ALL * rows and 1 < len(set(seen)) < len(seen)


def _share_in(catalogue: Head | None, cells: Sequence[str]) -> float:
    if catalogue is None:
        return 0.0
    ids = set(filled(cells))
    return max((overlap(ids, catalogue, place) for place in range(len(catalogue.columns))), default=0.0)
