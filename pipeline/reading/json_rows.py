"""Reads a row of JSON Lines exactly as it is written: long numbers, keys that stand twice, halves of characters."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from configs.file_format import FileFormat
from pipeline.reading import bad_rows
from pipeline.reading.parsed import Kind

_EXACT = 2.0**53
"""From here on, the fraction that is written is not the one that a program had."""


class Whole(str):
    """A whole number, as it is written."""


class Fraction(str):
    """A number with a fraction or an exponent, as it is written."""


class _Word(str):
    """`NaN`, `Infinity` or `-Infinity`, which some programs write for numbers."""


class Object(dict[str, Any]):
    """An object."""

    twice: frozenset[str] = frozenset()
    """Its keys that occur more than once."""


class UnreadableError(Exception):
    """The reason why a row is bad."""


def _object(pairs: list[tuple[str, Any]]) -> Object:
    found = Object(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        found.twice = frozenset(name for name, count in counts.items() if count > 1)
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=Whole, parse_float=Fraction, parse_constant=_Word, strict=True
)


def decoded(line: bytes) -> Object:
    """Decodes a line.

    Raises:
        UnreadableError: It is no JSON object.
    """
    if b"\0" in line:
        raise UnreadableError(bad_rows.NUL_BYTE)
    try:
        row = _DECODER.decode(line.decode())
    except UnicodeDecodeError as e:
        raise UnreadableError(bad_rows.WRONG_ENCODING) from e
    except (ValueError, RecursionError) as e:
        raise UnreadableError(bad_rows.NOT_JSON) from e
    if not isinstance(row, Object):
        raise UnreadableError(bad_rows.NOT_JSON)
    return row


def sampled(line: bytes) -> Object | None:
    """Decodes a line; None if it is no JSON object."""
    try:
        return decoded(line)
    except UnreadableError:
        return None


def ways(key: str) -> list[tuple[str, ...]]:
    """Returns the ways to a column's value, the first one first."""
    nested = tuple(key.split("."))
    return [(key,)] if len(nested) == 1 else [(key,), nested]


def values(row: Object, key: str) -> Iterator[Any]:
    """Yields what is found on each way to a column's value.

    Raises:
        UnreadableError: A key on the way occurs twice, or holds no object.
    """
    for way in ways(key):
        value: Any = row
        for depth, name in enumerate(way):
            if value is None:
                break
            if not isinstance(value, Object):
                raise UnreadableError(f"{'.'.join(way[:depth])} {bad_rows.NO_OBJECT}")
            if name in value.twice:
                raise UnreadableError(f"{name} {bad_rows.TWICE}")
            value = value.get(name)
        yield value


def has(row: Object, key: str) -> bool:
    """Whether a row has a column, with a value that can be read or not."""
    try:
        return any(value is not None for value in values(row, key))
    except UnreadableError:
        return True  # the row is bad, but the column is there


def names(row: Object, before: str = "") -> Iterator[str]:
    """Yields the columns of a row, such as `user.id`."""
    for name, value in row.items():
        yield from names(value, f"{before}{name}.") if isinstance(value, Object) else [before + name]


def cell(row: Object, key: str, kind: Kind, form: FileFormat) -> Any:
    """Returns a cell as text, as a list of texts, or None if it is empty."""
    value = row.get(key)
    if value is None or row.twice:
        value = next((value for value in values(row, key) if value is not None), None)
    if isinstance(value, list) and kind == "texts":
        texts = (_text(each, key, "text", form) for each in value)
        return [text for text in texts if text is not None]
    return _text(value, key, kind, form)


def _text(value: Any, key: str, kind: Kind, form: FileFormat) -> str | None:
    of = type(value)
    if of is str:
        if not value.isascii() and not _is_whole_text(value):
            raise UnreadableError(f"{key} {bad_rows.HALF_CHARACTER}")
        return None if value in form.empty else value
    if of is Whole:
        return "0" if value == "-0" else str(value)
    if value is None:
        return None
    if of is bool:
        if kind in ("id", "integer"):
            raise UnreadableError(f"{key} {bad_rows.TRUE_OR_FALSE}")
        return str(int(value)) if kind == "number" else str(value).lower()
    if of in (list, Object):
        raise UnreadableError(f"{key} {bad_rows.LIST if of is list else bad_rows.OBJECT}")
    return _of_fraction(value, key, kind, form)


def _is_whole_text(text: str) -> bool:
    """Whether a text has no half of a character that UTF-16 writes in two, as after an escape alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _of_fraction(value: str, key: str, kind: Kind, form: FileFormat) -> str | None:
    if isinstance(value, _Word) and value in form.empty:
        return None
    if kind == "id":
        number = float(value)
        if not (abs(number) < _EXACT and number.is_integer()):
            raise UnreadableError(f"{key} {bad_rows.NOT_WHOLE}")
        return f"{int(number)}.0"
    # JSON has its own way to write numbers; it is read again as the config says.
    return value.replace(".", form.decimal) if kind == "number" else str(value)
