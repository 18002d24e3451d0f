"""Parses delimited text to Arrow columns. Arrow's parser does the work; a slow, exact path finds the rows it refuses.

A row is one line, or several where a quoted text holds line ends; see `pipeline.reading.quotes`. No line inside such a
text becomes a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from common.errors import DataError
from configs.file_format import FileFormat
from pipeline.reading import bad_rows
from pipeline.reading.layout import FileLayout, count_fields
from pipeline.reading.parsed import Kind, Parsed, in_utf8, joined
from pipeline.reading.quotes import Quotes, Spans

_TYPES: dict[Kind, Any] = {
    # Ids repeat: a dictionary makes every later step work on 32-bit codes.
    "id": pa.dictionary(pa.int32(), pa.string()),
    "text": pa.string(),
    "texts": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
}

_SPARE_SEPARATORS = (b"\x1f", b"\x1e", b"\x1d", b"\x1c", b"\x01", b"\x02")
"""Control characters that can replace a separator of several bytes; Arrow's parser takes one byte."""

_SLOW_BYTES = 1 << 20
"""Arrow reports only that a block has bad rows, not which. So the block is cut into pieces of this size, and only the
pieces with bad rows are checked line by line (about 40 ms each)."""

_ARROW_BYTES = 4 << 20
"""The bytes that Arrow's parser takes at a time, and so the longest row that the fast path reads. Larger values gained
nothing when measured."""


def parse(block: bytes, form: FileFormat, layout: FileLayout, kinds: Mapping[str, Kind], path: str) -> Parsed:
    """Parses whole rows.

    Args:
        block: The rows; only the last may lack its line end.
        form: The format.
        layout: Where the fields are.
        kinds: What each field holds.
        path: The file's name, for messages.

    Returns:
        The good rows and the bad ones. Blank lines are neither.

    Raises:
        DataError: The separator cannot be distinguished from the text.
    """
    return _parse(in_utf8(block, form), _Parser(form, layout, dict(kinds), path, Quotes.of(form)))


@dataclass(frozen=True)
class _Parser:
    form: FileFormat
    layout: FileLayout
    kinds: dict[str, Kind]
    path: str
    quotes: Quotes | None


def _parse(block: bytes, parser: _Parser) -> Parsed:
    lines = block.count(b"\n") + (not block.endswith(b"\n") and bool(block))
    table = None if _is_suspect(block) or _ends_in_a_quote(block, parser) else _fast(block, parser)
    if table is not None and table.num_rows == lines:
        return Parsed(table, np.arange(lines, dtype=np.int64), [], lines)
    quotes = parser.quotes
    spans = quotes.spans(block) if quotes is not None and quotes.form.quote.encode() in block else None
    if spans is not None and len(spans.starts) and spans.is_well and not spans.opens and not _is_suspect(block):
        rows = spans.rows(block)
        table = _fast(block, parser, line_ends=True)
        if table is not None and table.num_rows == len(rows):
            return Parsed(table, rows, [], lines)
    pieces = _cut(block, spans) if len(block) > _SLOW_BYTES else [block]
    if len(pieces) == 1:
        return _slow(block, parser)
    parsed = [_parse(piece, parser) for piece in pieces]
    return joined(parsed, _concatenate([part.table for part in parsed]))


def _is_suspect(block: bytes) -> bool:
    """Whether Arrow's parser would silently accept what is a bad row here."""
    return b"\0" in block or block.count(b"\r") != block.count(b"\r\n")


def _ends_in_a_quote(block: bytes, parser: _Parser) -> bool:
    """Whether a quote of the last line stays open; at the end of its input, Arrow's parser closes it."""
    last = _without_end(block[block.rfind(b"\n", 0, max(len(block) - 1, 0)) + 1 :])
    return parser.quotes is not None and _reason(last, parser) == bad_rows.UNBALANCED_QUOTE


def _fast(block: bytes, parser: _Parser, at_a_time: int = _ARROW_BYTES, line_ends: bool = False) -> Any | None:
    """Runs Arrow's parser on `at_a_time` bytes at a time; None if it refuses a row.

    With `line_ends`, it takes care not to begin inside a quoted text, which costs time.
    """
    as_text = _as_text(parser.kinds)
    for kinds in (parser.kinds, as_text) if parser.form.has_plain_numbers else (as_text,):
        try:
            return _read_csv(block, parser, kinds, at_a_time, line_ends)
        except pa.ArrowInvalid:
            # Either a cell is no number, which can still be read as text, or a row is bad.
            continue
    return None


def _as_text(kinds: dict[str, Kind]) -> dict[str, Kind]:
    return {field: "text" if kind in ("number", "integer") else kind for field, kind in kinds.items()}


def _read_csv(block: bytes, parser: _Parser, kinds: dict[str, Kind], at_a_time: int, line_ends: bool) -> Any:
    separator = parser.form.separator.encode()
    if len(separator) > 1:
        spare = next((c for c in _SPARE_SEPARATORS if c not in block), None)
        if spare is None:
            raise DataError(
                f"{parser.path}: holds so many control characters that the separator {parser.form.separator!r} cannot "
                "be distinguished from them. Remove the control characters from the file."
            )
        block, separator = block.replace(separator, spare), spare
    by_position: dict[int, Kind] = {}
    for field, position in parser.layout.positions.items():
        # Two fields may use the same column, such as a title and the year in it: both read it as text.
        by_position[position] = "text" if position in by_position else kinds[field]
    names = [f"c{i}" for i in range(parser.layout.width)]
    if not block:
        table = pa.table({f"c{i}": pa.array([], _TYPES[kind]) for i, kind in by_position.items()})
    else:
        # Not read_csv: on Python 3.10 each call visits all objects of the process (50 ms with TensorFlow loaded) to
        # break a reference cycle of signal handling (pyarrow.util._break_traceback_cycle_from_frame, bpo-43356).
        reader = pa.csv.open_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=names, block_size=min(len(block) + 1, at_a_time)),
            pa.csv.ParseOptions(
                delimiter=separator.decode(),
                quote_char=parser.form.quote or False,
                escape_char=parser.form.escape or False,
                newlines_in_values=line_ends,
            ),
            pa.csv.ConvertOptions(
                include_columns=[f"c{i}" for i in by_position],
                column_types={f"c{i}": _TYPES[kind] for i, kind in by_position.items()},
                null_values=["", *parser.form.empty],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        table = reader.read_all()
    found = {field: table.column(f"c{position}") for field, position in parser.layout.positions.items()}
    if parser.form.quote and len(parser.form.separator.encode()) > 1:  # a quoted separator belongs to the text
        found = {field: _with_separator(column, separator.decode(), parser.form) for field, column in found.items()}
    return pa.table(found)


def _with_separator(column: Any, spare: str, form: FileFormat) -> Any:
    if pa.types.is_dictionary(column.type):
        return _with_separator(column.cast(pa.string()), spare, form).dictionary_encode()
    return pc.replace_substring(column, spare, form.separator) if pa.types.is_string(column.type) else column


def _slow(block: bytes, parser: _Parser) -> Parsed:
    good: list[int] = []
    rows: list[bytes] = []
    bad: list[tuple[int, str, str]] = []
    line, start = 0, 0
    while start < len(block):
        end, row, reason = _row(block, start, parser)
        if reason is not None:
            bad.append((line, reason, bad_rows.excerpt(row)))
        elif row:
            good.append(line)
            rows.append(row)
        line += block.count(b"\n", start, end)
        start = end
    rest = b"".join(row + b"\n" for row in rows)
    table = _fast(rest, parser, at_a_time=len(rest) + 1, line_ends=True)
    if table is None or table.num_rows != len(good):
        raise DataError(
            f"{parser.path}: Arrow's parser and the line-by-line check read the same rows differently. Set "
            "format.quote: '' if quotes are plain characters in this file."
        )
    return Parsed(table, np.array(good, np.int64), bad, line + (not block.endswith(b"\n") and bool(block)))


def _row(block: bytes, start: int, parser: _Parser) -> tuple[int, bytes, str | None]:
    """Reads the row that starts at a place.

    Returns:
        The place after it, the row without its line end, and why it is bad; None if it is good or blank.
    """
    end = block.find(b"\n", start) + 1 or len(block)
    row = _without_end(block[start:end])
    reason = _reason(row, parser) if row else None
    first = end, row, reason
    while reason == bad_rows.UNBALANCED_QUOTE:
        assert parser.quotes is not None
        opens = parser.quotes.spans(row).opens
        closing = parser.quotes.closing(block, start + opens[0]) if opens else None
        if closing is None:
            return first
        end = block.find(b"\n", closing.place) + 1 or len(block)
        row = _without_end(block[start:end])
        if not closing.is_well:
            break
        reason = _reason(row, parser)
    return end, row, reason


def _without_end(row: bytes) -> bytes:
    return row.removesuffix(b"\n").removesuffix(b"\r")


def _reason(row: bytes, parser: _Parser) -> str | None:
    """Returns why a line, or several with quoted line breaks, is not a good row; None if it is one."""
    if b"\0" in row:
        return bad_rows.NUL_BYTE
    if b"\r" in row.replace(b"\r\n", b""):
        return bad_rows.CARRIAGE_RETURN
    try:
        fields = count_fields(row.decode(), parser.form)
    except UnicodeDecodeError:
        return bad_rows.WRONG_ENCODING
    if fields is None:
        return bad_rows.UNBALANCED_QUOTE
    if fields < parser.layout.width:
        return bad_rows.TOO_FEW_COLUMNS
    return bad_rows.TOO_MANY_COLUMNS if fields > parser.layout.width else None


def _cut(block: bytes, spans: Spans | None) -> list[bytes]:
    """Cuts a block where rows start, about every `_SLOW_BYTES`."""
    starts = (
        np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + 1 if spans is None else spans.row_starts(block)
    )
    wanted = np.arange(_SLOW_BYTES, len(block), _SLOW_BYTES)
    places = np.searchsorted(starts, wanted)
    cuts = np.unique(np.append(starts[places[places < len(starts)]], [0, len(block)]))
    return [block[start:end] for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]


def _concatenate(tables: list[Any]) -> Any:
    """Concatenates tables; a column that holds numbers in some and text in others becomes text."""
    columns = {}
    for name in tables[0].column_names:
        parts = [t.column(name) for t in tables]
        if len({p.type for p in parts}) > 1:
            parts = [p.cast(pa.string()) for p in parts]
        columns[name] = pa.chunked_array([chunk for p in parts for chunk in p.chunks], parts[0].type)
    return pa.table(columns)
