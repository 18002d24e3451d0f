"""Says which of Parquet's types a field can be read from, and what to do about the others."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import DataError
from pipeline.reading import bad_rows
from pipeline.reading.parsed import Kind

_TEXT, _NUMBER, _BOOLEAN, _MOMENT, _LIST = "texts", "numbers", "true and false", "dates or times", "lists"
_OBJECT, _MAP, _BYTES, _CLOCK, _OTHER = "objects", "maps", "bytes", "times of a day or durations", "values"

_READ_FROM: dict[Kind, frozenset[str]] = {
    "id": frozenset({_TEXT, _NUMBER}),
    "number": frozenset({_TEXT, _NUMBER, _BOOLEAN}),
    "integer": frozenset({_TEXT, _NUMBER, _MOMENT}),
    "text": frozenset({_TEXT, _NUMBER, _BOOLEAN, _MOMENT}),
    "texts": frozenset({_TEXT, _NUMBER, _BOOLEAN, _MOMENT, _LIST}),
}

_WANTED: dict[Kind, str] = {
    "id": "a text or a whole number",
    "number": "a number",
    "integer": "a time",
    "text": "a text",
    "texts": "a text, or a list of texts",
}

_ADVICE = {
    _LIST: "Name a column with one value in a row. Lists of texts can be a feature of the catalogue, of kind category.",
    _OBJECT: "Name one of its fields, as user.id names the field id of the objects user.",
    _MAP: "Write the value that is wanted into a column of its own.",
    _BYTES: "Write the values as text. Sixteen bytes are a UUID if the column's logical type says so.",
}
_OTHERWISE = "Name another column, or write the values as text or as a number."


def require(column: Any, kind: Kind, name: str, path: str) -> None:
    """Checks that a field can be read from a column.

    Args:
        column: pyarrow.ChunkedArray.
        kind: What the field holds.
        name: The column's name, for messages.
        path: The file's name, for messages.

    Raises:
        DataError: It cannot.
    """
    held = _held(column.type)
    if held in _READ_FROM[kind] and (held != _LIST or _is_simple(column.type.value_type)):
        return
    cells = pc.drop_null(column)
    shown = f"such as {bad_rows.cell(cells[0].as_py())}" if len(cells) else "all of them empty"
    raise DataError(
        f"{path}: column {name!r} holds {held} ({column.type}), {shown}; {_WANTED[kind]} is wanted. "
        f"{_ADVICE.get(held, _OTHERWISE)}"
    )


def _held(kind: Any) -> str:
    """Says what a type holds."""
    if pa.types.is_dictionary(kind):
        return _held(kind.value_type)
    is_a = pa.types
    checks = {
        _TEXT: (is_a.is_string, is_a.is_large_string, is_a.is_binary, is_a.is_large_binary),
        _NUMBER: (is_a.is_integer, is_a.is_floating, is_a.is_decimal),
        _BOOLEAN: (is_a.is_boolean,),
        _MOMENT: (is_a.is_date, is_a.is_timestamp),
        _LIST: (is_a.is_list, is_a.is_large_list, is_a.is_fixed_size_list),
        _OBJECT: (is_a.is_struct,),
        _MAP: (is_a.is_map,),
        _BYTES: (is_a.is_fixed_size_binary,),
        _CLOCK: (is_a.is_time, is_a.is_duration),
    }
    return next((name for name, tests in checks.items() if any(test(kind) for test in tests)), _OTHER)


def _is_simple(kind: Any) -> bool:
    """Whether Arrow can cast lists of a type to lists of text."""
    is_a = pa.types
    tests = (is_a.is_string, is_a.is_large_string, is_a.is_integer, is_a.is_floating, is_a.is_boolean, is_a.is_null)
    return any(test(kind) for test in tests)
