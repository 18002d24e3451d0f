"""Finds the columns of a text file from its first lines."""

import csv
import functools
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from common.errors import DataError
from configs.file_format import Column, FileFormat
from pipeline.reading import bad_rows
from pipeline.reading.file_kinds import mistaken
from pipeline.reading.parsed import BYTE_ORDER_MARK
from pipeline.reading.partitions import in_file
from pipeline.reading.quotes import quoted_text

HEAD_BYTES = 1 << 20
"""The bytes of a file that are read to find its columns; a line longer than this is not a header."""

_SAMPLED_LINES = 1000
"""Lines that decide how many columns a file without a header has: the most frequent number counts, so that one bad
line, even the first, does not make all others bad."""


@dataclass(frozen=True)
class FileLayout:
    """The columns of one text file."""

    width: int
    """Columns of a good row."""

    positions: dict[str, int]
    """Field to the position of its column, from 0."""

    skip_bytes: int
    """Bytes before the first row: byte-order mark and header."""

    skip_lines: int
    """Lines before the first row: the header, if there is one, and blank lines before it."""

    header: Mapping[str, str] = field(default_factory=dict)
    """Field to the name of its column; empty for a file without a header."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """JSON Lines: field to its column. There, width and positions have no meaning."""


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
        wanted: Field to column, by name or position.
        path: The file's name, for messages.
        folders: The columns that folders of the path name; the layout lacks those that the file has not.
        optional: Not used: a table of text has a column or does not.

    Returns:
        The layout, or None for a file without a line.

    Raises:
        DataError: A column is missing or named twice, or the encoding is not the configured one.
    """
    mark, lines = first_lines(head, path)
    if not lines:
        return None
    if is_json_object(lines[0]):
        raise DataError(f"{path}: is in JSON Lines; set format.kind: jsonl.")
    if not form.header:
        widths = Counter(len(_fields(line, form)) for line in lines)
        width = widths.most_common(1)[0][0]
        return FileLayout(width, _by_position(in_file(wanted, (), folders, path), width, path), mark, 0)
    names = _header_names(lines[0], form, path)
    # There may be blank lines before the header; they are no rows either.
    header_end = head.index(lines[0], mark) + len(lines[0]) + 1
    positions = _by_name(in_file(wanted, names, folders, path), names, path)
    header = {field: names[position] for field, position in positions.items()}
    return FileLayout(len(names), positions, min(header_end, len(head)), head[:header_end].count(b"\n"), header)


def first_lines(head: bytes, path: str) -> tuple[int, list[bytes]]:
    """Returns the bytes of the byte-order mark, and the first complete lines that are not blank.

    Args:
        head: A file's first bytes, at most `HEAD_BYTES`.
        path: The file's name, for messages.

    Raises:
        DataError: The file is of another kind, or there is no line end although it is long.
    """
    what = mistaken(head)
    if what is not None:
        raise DataError(f"{path}: {what}")
    mark = len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0
    is_whole_file = len(head) < HEAD_BYTES
    # The last part may be a truncated line, or hold all further lines.
    parts = head[mark:].split(b"\n", _SAMPLED_LINES)
    is_last_complete = is_whole_file and len(parts) <= _SAMPLED_LINES
    lines = [line for line in (parts if is_last_complete else parts[:-1]) if line.strip()]
    if not lines and not is_whole_file:
        raise DataError(f"{path}: has no line end in its first {HEAD_BYTES} bytes, so it is not a text table.")
    return mark, lines


def is_json_object(line: bytes) -> bool:
    """Whether a line is a JSON object, as in JSON Lines."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def count_fields(row: str, form: FileFormat) -> int | None:
    """Counts the fields of a row as Arrow's parser does: a quote matters only at the start of a field.

    Args:
        row: The row, without its line end.
        form: The format.

    Returns:
        Number of fields; None if a quote is opened and not closed.
    """
    if not (form.quote and form.quote in row) and not (form.escape and form.escape in row):
        return row.count(form.separator) + 1
    quoted, plain = _patterns(form)
    fields, place = 1, 0
    while True:
        if form.quote and row.startswith(form.quote, place):
            field = quoted.match(row, place)
            if field is None:
                return None
            place = field.end()
        rest = plain.match(row, place)
        assert rest is not None  # it matches nothing, too
        if rest.end() == len(row):
            return fields
        place = rest.end() + len(form.separator)
        fields += 1


@functools.cache
def _patterns(form: FileFormat) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of a quoted text, and of what stands before the next separator."""
    separator, escape = map(re.escape, (form.separator, form.escape))
    escaped = f"|{escape}." if escape else ""
    plain = f"(?:[^{escape}{separator}]{escaped})*" if len(form.separator) == 1 else f"(?:(?!{separator}).)*"
    return re.compile(quoted_text(form)), re.compile(plain, re.DOTALL)


def _fields(line: bytes, form: FileFormat) -> list[str]:
    text = line.decode(form.encoding, "replace").rstrip("\r\n")
    if not form.quote or form.quote not in text:
        return text.split(form.separator)
    return next(csv.reader([text], delimiter=form.separator, quotechar=form.quote, escapechar=form.escape or None))


def _header_names(line: bytes, form: FileFormat, path: str) -> list[str]:
    try:
        line.decode(form.encoding)
    except UnicodeDecodeError as e:
        raise DataError(
            f"{path}: the header {bad_rows.cell(line)} is not {form.encoding} ({e.reason} at byte {e.start}). Set "
            "format.encoding, or convert the file."
        ) from e
    return _fields(line, form)


def _by_name(wanted: Mapping[str, Column], names: list[str], path: str) -> dict[str, int]:
    missing = [c for c in wanted.values() if (c not in names if isinstance(c, str) else c >= len(names))]
    if missing:
        asked = {column.strip() for column in missing if isinstance(column, str)}
        padded = [name for name in names if name.strip() in asked]
        hint = (
            " Blanks are part of a name: write the name in quotes, with its blanks; the header has "
            f"{bad_rows.listed(padded)}."
        )
        raise DataError(
            f"{path}: no column {', '.join(map(repr, missing))}. Wanted: {', '.join(map(repr, wanted.values()))}; "
            f"found {len(names)}: {bad_rows.listed(names)}. Correct the columns in the config, or "
            f"format.separator if the whole header was read as one column.{hint if padded else ''}"
        )
    twice = [c for c in wanted.values() if isinstance(c, str) and names.count(c) > 1]
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} occurs twice in the header; name it by position, from 0.")
    return {field: names.index(c) if isinstance(c, str) else c for field, c in wanted.items()}


def _by_position(wanted: Mapping[str, Column], width: int, path: str) -> dict[str, int]:
    positions = {field: column for field, column in wanted.items() if isinstance(column, int)}
    named = [column for column in wanted.values() if isinstance(column, str)]
    if named:
        raise DataError(
            f"{path}: no folder of the path names column {', '.join(map(repr, named))}, as {named[0]}=… does, and "
            "without a header, columns of the file have positions. Correct the columns in the config."
        )
    beyond = {field: position for field, position in positions.items() if position >= width}
    if beyond:
        raise DataError(
            f"{path}: most rows have {width} column(s), so there is no column {', '.join(map(str, beyond.values()))} "
            f"(for {', '.join(beyond)}). Correct the positions, which count from 0, or format.separator."
        )
    return positions
