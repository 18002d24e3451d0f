"""Parses JSON Lines, one object on each line. Arrow's parser does the work; `json_rows` reads what it refuses.

A column is a key, or a way into nested objects: `user.id` is the `id` of the object `user`. If a row has a key that is
called `user.id`, its value is taken.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from common.errors import DataError
from configs.file_format import Column, FileFormat
from pipeline.reading import bad_rows, json_rows
from pipeline.reading.layout import FileLayout, first_lines
from pipeline.reading.parsed import Kind, Parsed, in_utf8, joined, without_words
from pipeline.reading.partitions import in_file

_PIECE_BYTES = (1 << 20, 128 << 10)
"""Arrow reports only that a piece has a line that it refuses, not which. So a block is read in pieces of the first size
(such a piece again in pieces of the second size), and of these those with such a line are read line by line."""

_SAMPLED_LINES = 50
"""Lines of a piece that decide what Arrow is asked for, such as whole numbers or texts."""

_LISTS = pa.list_(pa.string())


def find_layout(
    head: bytes,
    form: FileFormat,
    wanted: Mapping[str, Column],
    path: str,
    folders: Collection[str] = (),
    optional: Collection[str] = (),
) -> FileLayout | None:
    """Finds the wanted columns.

    Args:
        head: The file's first bytes, at most `HEAD_BYTES`.
        form: The configured format.
        wanted: Field to column.
        path: The file's name, for messages.
        folders: The columns that folders of the path name; the layout lacks those that none of the first rows has.
        optional: Fields that all of the first rows may lack.

    Returns:
        The layout, or None for a file without a line.

    Raises:
        DataError: The file is not in JSON Lines, or no row has one of the columns.
    """
    mark, lines = first_lines(head, path)
    if not lines:
        return None
    require_object(lines[0], path)
    rows = [row for line in lines if (row := json_rows.sampled(line)) is not None]
    held = {key for key in map(str, wanted.values()) if any(json_rows.has(row, key) for row in rows)}
    keys = {field: str(column) for field, column in in_file(wanted, held, folders, path).items()}
    missing = [key for field, key in keys.items() if field not in optional and key not in held]
    if rows and missing:
        names = list(dict.fromkeys(name for row in rows for name in json_rows.names(row)))
        raise DataError(
            f"{path}: no row of the first {len(rows)} has {', '.join(map(repr, missing))}. Wanted: "
            f"{', '.join(map(repr, wanted.values()))}; found {len(names)}: {bad_rows.listed(names)}. Correct "
            "the columns in the config."
        )
    return FileLayout(0, {}, mark, 0, keys=keys)


def require_object(line: bytes, path: str) -> None:
    """Checks that the first line of a file may be a JSON object.

    Raises:
        DataError: It cannot; the message says what the file is.
    """
    first = line.strip()
    if first.startswith(b"["):
        raise DataError(
            f"{path}: begins with '[': it holds a JSON array, but each line must be an object of its own. Convert it, "
            "as with: jq -c '.[]'."
        )
    if first == b"{":
        raise DataError(
            f"{path}: its first object has several lines, but each line must be an object. Convert it, as with: jq -c ."
        )
    if not first.startswith(b"{"):
        raise DataError(
            f"{path}: line 1 is {bad_rows.cell(first)}, which is no JSON object. Set format.kind as the file is."
        )


def parse(block: bytes, form: FileFormat, layout: FileLayout, kinds: Mapping[str, Kind], path: str) -> Parsed:
    """Parses whole lines.

    Args:
        block: The lines; only the last may lack its line end.
        form: The format.
        layout: Where the fields are.
        kinds: What each field holds.
        path: The file's name, for messages.

    Returns:
        The good rows and the bad ones. Blank lines are neither.
    """
    wanted: dict[str, Kind] = {}
    for field, key in layout.keys.items():
        # Two fields may use the same column, such as a title and the year in it: both read it as text, or as ids.
        both = {wanted.get(key, kinds[field]), kinds[field]}
        wanted[key] = "id" if "id" in both else kinds[field] if len(both) == 1 else "text"
    parsed = _parse(in_utf8(block, form), _Reader(form, wanted), _PIECE_BYTES)
    table = pa.table({field: parsed.table.column(key) for field, key in layout.keys.items()})
    return Parsed(table, parsed.rows, parsed.bad, parsed.lines)


@dataclass(frozen=True)
class _Reader:
    form: FileFormat
    kinds: dict[str, Kind]
    """By column."""


def _parse(block: bytes, reader: _Reader, sizes: Sequence[int]) -> Parsed:
    parts = []
    for piece in _cut(block, sizes[0]):
        table = _fast(piece, reader)
        if table is not None:
            parts.append(Parsed(table, np.arange(len(table), dtype=np.int64), [], len(table)))
        else:
            parts.append(_parse(piece, reader, sizes[1:]) if sizes[1:] else _slow(piece, reader))
    return parts[0] if len(parts) == 1 else joined(parts, _concatenate([part.table for part in parts], reader))


def _cut(block: bytes, size: int) -> Iterator[bytes]:
    """Cuts a block at line ends; yields one piece at least."""
    start = 0
    while True:
        end = block.find(b"\n", start + size - 1) + 1 or len(block)
        yield block[start:end]
        start = end
        if start >= len(block):
            return


def _fast(block: bytes, reader: _Reader) -> Any | None:
    """Runs Arrow's parser; None if it refuses a line, or may read one in another way than `_slow`."""
    asked = _types(block, reader.kinds)
    # Arrow stops in silence at a bracket too many; then the last line, which is ours, is missing.
    text = block + (b"{}\n" if block.endswith(b"\n") else b"\n{}\n")
    lines = text.count(b"\n")
    # Arrow takes two objects on one line, and one on several lines. This does not; between `}` and `{` nothing is open.
    if asked is None or text.count(b"}\n{") + text.count(b"}\r\n{") + 1 != lines or not _is_utf8(text):
        return None
    try:
        table = pa.json.read_json(
            pa.BufferReader(text),
            pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
            pa.json.ParseOptions(explicit_schema=asked, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != lines:
        return None
    table = table.slice(0, lines - 1)
    found = {key: _column(table, key) for key in reader.kinds}
    if any(_has_not_finite(column) for column in found.values()):
        return None
    return pa.table({key: without_words(column, reader.form.empty) for key, column in found.items()})


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _types(block: bytes, kinds: Mapping[str, Kind]) -> pa.Schema | None:
    """Returns the schema to ask Arrow for; None if it cannot read such values as they are written."""
    sampled = block.split(b"\n", _SAMPLED_LINES)[:_SAMPLED_LINES]
    rows = [row for line in sampled if (row := json_rows.sampled(line)) is not None]
    tree: dict[str, Any] = {}
    for key, kind in kinds.items():
        try:
            found = {type(value) for row in rows for value in json_rows.values(row, key)} - {type(None)}
            asked = _type(found, kind)
        except json_rows.UnreadableError:
            return None
        for way in json_rows.ways(key):
            branch = tree
            for name in way[:-1]:
                branch = branch.setdefault(name, {})
                if not isinstance(branch, dict):
                    return None
            if asked is None or way[-1] in branch:
                return None
            branch[way[-1]] = asked
    return pa.schema(list(_struct(tree)))


def _type(found: set[type], kind: Kind) -> pa.DataType | None:
    """Chooses Arrow's type for the values of a column."""
    if found <= {str}:
        return pa.string()
    if found == {json_rows.Whole}:
        return pa.float64() if kind == "number" else pa.int64()
    if found <= {json_rows.Whole, json_rows.Fraction}:
        return pa.float64() if kind in ("number", "integer") else None
    if found == {bool}:
        return pa.bool_() if kind in ("number", "text", "texts") else None
    return _LISTS if found == {list} and kind == "texts" else None


def _struct(tree: Mapping[str, Any]) -> pa.StructType:
    return pa.struct([(name, _struct(each) if isinstance(each, dict) else each) for name, each in tree.items()])


def _column(table: Any, key: str) -> Any:
    """Returns the column of a key: what the key itself holds, and where it holds nothing, what the way leads to."""
    found = [_follow(table, way) for way in json_rows.ways(key)]
    held = [column for column in found if column.null_count < len(column)] or found[:1]
    return held[0] if len(held) == 1 else pc.coalesce(*held)


def _follow(table: Any, way: Sequence[str]) -> Any:
    column = table.column(way[0])
    for name in way[1:]:
        column = pc.struct_field(column, [column.type.get_field_index(name)])
    return column


def _has_not_finite(column: Any) -> bool:
    return pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py()


def _slow(block: bytes, reader: _Reader) -> Parsed:
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    good: list[int] = []
    bad: list[tuple[int, str, str]] = []
    cells: dict[str, list[Any]] = {key: [] for key in reader.kinds}
    for number, line in enumerate(lines):
        if not line.strip(b" \t\r"):
            continue
        try:
            row = json_rows.decoded(line)
            found = [json_rows.cell(row, key, kind, reader.form) for key, kind in reader.kinds.items()]
        except json_rows.UnreadableError as e:
            bad.append((number, str(e), bad_rows.excerpt(line.strip())))
            continue
        good.append(number)
        for column, cell in zip(cells.values(), found, strict=True):
            column.append(cell)
    table = pa.table({key: _array(column) for key, column in cells.items()})
    return Parsed(table, np.array(good, np.int64), bad, len(lines))


def _array(cells: list[Any]) -> pa.Array:
    if any(isinstance(cell, list) for cell in cells):
        return pa.array([cell if cell is None or isinstance(cell, list) else [cell] for cell in cells], _LISTS)
    return pa.array(cells, pa.string())


def _concatenate(tables: Sequence[Any], reader: _Reader) -> Any:
    """Concatenates tables; columns of different types become text, or lists of text."""
    columns = {}
    for key, kind in reader.kinds.items():
        parts = [table.column(key) for table in tables]
        types = {part.type for part in parts}
        if len(types) > 1:
            parts = [_as_text(part, kind, reader.form, _LISTS in types) for part in parts]
        columns[key] = pa.chunked_array([chunk for part in parts for chunk in part.chunks], parts[0].type)
    return pa.table(columns)


def _as_text(column: Any, kind: Kind, form: FileFormat, in_lists: bool) -> Any:
    if column.type == _LISTS:
        return column
    if pa.types.is_boolean(column.type) and kind == "number":
        column = column.cast(pa.int8())
    is_float = pa.types.is_floating(column.type)
    column = column.cast(pa.string())
    if is_float and kind == "number":
        column = pc.replace_substring(column, ".", form.decimal)
    if not in_lists:
        return column
    return pa.chunked_array([pa.array([None if cell is None else [cell] for cell in column.to_pylist()], _LISTS)])
