"""Cuts input files, text or Parquet, into pieces that workers read separately, and reads a piece as parsed blocks."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import DataError
from configs.file_format import Column, FileFormat
from pipeline.ground import input_files
from pipeline.reading import bad_rows, delimited, files, json_lines, layout, parquet
from pipeline.reading.bad_rows import BadRow, Problems
from pipeline.reading.files import InputFile
from pipeline.reading.layout import FileLayout
from pipeline.reading.parsed import Kind, Parsed
from pipeline.reading.quotes import Quotes
from pipeline.reading.report import FileReport, ReadingReport


@dataclass(frozen=True)
class Piece:
    """A part of a file that one worker reads."""

    file: InputFile
    layout: FileLayout | None
    """The columns of a text file; None for Parquet."""

    start: int
    """First byte (text) or row group (Parquet)."""

    end: int | None
    """Byte or row group after the last; None for the end of the file."""


@dataclass(frozen=True)
class _TextFormat:
    """How text of one kind is read."""

    find_layout: Callable[..., FileLayout | None]
    parse: Callable[[bytes, FileFormat, FileLayout, Mapping[str, Kind], str], Parsed]


_TEXT = {
    "delimited": _TextFormat(layout.find_layout, delimited.parse),
    "jsonl": _TextFormat(json_lines.find_layout, json_lines.parse),
}
"""By `format.kind`."""


def plan(
    file: InputFile, form: FileFormat, wanted: Mapping[str, Column], optional: Collection[str] = ()
) -> tuple[list[Piece], ReadingReport]:
    """Cuts a file into pieces.

    Args:
        file: The file.
        form: Its format.
        wanted: Field to the column that holds it.
        optional: Fields that rows of JSON Lines may lack, even the first rows of a file.

    Returns:
        The pieces, none for an empty file, and a report that names the file, with the error if it cannot be read.
    """
    report = FileReport(file.path)
    pieces: list[Piece] = []
    try:
        with _readable(file):
            pieces = _plan_parquet(file, wanted) if form.kind == "parquet" else _plan_text(file, form, wanted, optional)
    except DataError as e:
        report.error = str(e)
    if pieces and pieces[0].layout is not None:
        report.first_row += pieces[0].layout.skip_lines
    return pieces, ReadingReport({file.index: report})


def read(
    piece: Piece, form: FileFormat, wanted: Mapping[str, Column], kinds: Mapping[str, Kind], whole: bool = False
) -> Iterator[tuple[int, Parsed]]:
    """Reads a piece.

    Args:
        piece: The piece.
        form: The file's format.
        wanted: Field to the column that holds it.
        kinds: What each field holds.
        whole: Whether to read text to the end of its file in one block.

    Yields:
        The start of a block in the file, and the block.

    Raises:
        DataError: The file cannot be read, or a Parquet column has a type from which its field cannot be read.
    """
    with _readable(piece.file):
        if piece.layout is None:
            yield piece.start, _with_folders(_read_parquet(piece, form, wanted, kinds), piece.file, form, wanted)
            return
        quotes = Quotes.of(form, form.encoding)
        if form.quoted_line_ends and quotes is not None:
            blocks = files.read_rows(piece.file, piece.start, quotes)
        else:
            at_row = piece.start == piece.layout.skip_bytes
            blocks = files.read_blocks(piece.file, piece.start, None if whole else piece.end, at_row, quotes)
        if whole:
            blocks = iter([(piece.start, b"".join(block for _, block in blocks))])
        for start, block in blocks:
            parsed = _TEXT[form.kind].parse(block, form, piece.layout, kinds, piece.file.path)
            yield start, _with_folders(parsed, piece.file, form, wanted)


def _with_folders(parsed: Parsed, file: InputFile, form: FileFormat, wanted: Mapping[str, Column]) -> Parsed:
    """Adds the columns that folders name."""
    table = parsed.table
    for field in wanted.keys() - set(table.column_names):
        value = file.folders[str(wanted[field])]
        value = None if value in form.empty else value
        codes = pa.array(np.zeros(table.num_rows, np.int32), mask=np.full(table.num_rows, value is None))
        table = table.append_column(field, pa.DictionaryArray.from_arrays(codes, pa.array([value or ""])))
    return parsed if table is parsed.table else replace(parsed, table=table.select(list(wanted)))


def repeats_header(piece: Piece, cells: pa.Table) -> npt.NDArray[np.bool_]:
    """Finds rows that repeat the header, as in files that were put together.

    Args:
        piece: The piece.
        cells: pyarrow.Table of the fields.

    Returns:
        [rows] bool.
    """
    repeated = np.zeros(cells.num_rows, bool)
    names = {} if piece.layout is None else piece.layout.header
    texts = {name: cells.column(name) for name in names if _is_text(cells.column(name).type)}
    if not texts or not all(_may_hold(column, names[field]) for field, column in texts.items()):
        return repeated
    for count, (field, column) in enumerate(texts.items()):
        same = np.asarray(pc.fill_null(pc.equal(column, names[field]), False))
        repeated = same if count == 0 else repeated & same
    return repeated


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _may_hold(column: pa.ChunkedArray, text: str) -> bool:
    """Whether a column may hold a text; quick for a dictionary."""
    if not pa.types.is_dictionary(column.type):
        return True
    return any(pc.index(chunk.dictionary, text).as_py() >= 0 for chunk in column.chunks)


def report_block(
    file: InputFile, start: int, parsed: Parsed, problems: Problems, max_quarantine_rows: int
) -> ReadingReport:
    """Reports a block: its rows, and the bad ones among them.

    Args:
        file: The block's file.
        start: The block's start.
        parsed: The block.
        problems: The problems of its rows.
        max_quarantine_rows: The most bad rows that the quarantine lists.

    Returns:
        The report.
    """
    bad = Counter(reason for _, reason, _ in parsed.bad)
    bad.update(problems.counts())
    most = max(max_quarantine_rows, 1)
    rows = [BadRow(file.index, start, row, reason, cut) for row, reason, cut in parsed.bad[:most]]
    rows += [bad_row(file, start, parsed, row, reason) for row, reason in islice(problems.bad(), most)]
    rows.sort()
    first = rows[0] if rows else None
    report = FileReport(file.path, parsed.table.num_rows + len(parsed.bad), bad, first, 1, {start: parsed.lines})
    return ReadingReport({file.index: report}, rows[:max_quarantine_rows])


def bad_row(file: InputFile, start: int, parsed: Parsed, row: int, reason: str) -> BadRow:
    """Describes a row of a block's table.

    Args:
        file: The block's file.
        start: The block's start.
        parsed: The block.
        row: The row's number in the table.
        reason: Why it is bad.
    """
    cells = (column[row].as_py() for column in parsed.table.columns)
    shown = ", ".join("" if cell is None else bad_rows.excerpt(cell) for cell in cells)
    return BadRow(file.index, start, int(parsed.rows[row]), reason, bad_rows.excerpt(shown))


@contextmanager
def convertible(file: InputFile) -> Iterator[None]:
    """Names the file in the error if a column has a type that its field cannot be read from, such as a Parquet struct.

    Raises:
        DataError: Arrow cannot convert a column.
    """
    try:
        yield
    except pa.ArrowException as e:
        raise DataError(
            f"{file.path}: a column does not hold what the config says ({e}). Correct the config's columns."
        ) from e


@contextmanager
def _readable(file: InputFile) -> Iterator[None]:
    try:
        yield
    except (*input_files.read_errors(), pa.ArrowException) as e:
        raise DataError(
            f"{file.path}: cannot be read ({type(e).__name__}: {e}). The number of its rows is unknown, so it is not "
            "skipped silently: repair it, or exclude it from the config's path."
        ) from e


def _plan_text(
    file: InputFile, form: FileFormat, wanted: Mapping[str, Column], optional: Collection[str]
) -> list[Piece]:
    with files.open_binary(file) as stream:
        head = stream.read(layout.HEAD_BYTES)
    found = _TEXT[form.kind].find_layout(head, form, wanted, file.path, file.folders, optional)
    if found is None:
        return []
    if file.compressed or form.quoted_line_ends:
        return [Piece(file, found, found.skip_bytes, None)]
    starts = range(found.skip_bytes, file.bytes, files.BLOCK_BYTES)
    return [Piece(file, found, start, min(start + files.BLOCK_BYTES, file.bytes)) for start in starts]


def _plan_parquet(file: InputFile, wanted: Mapping[str, Column]) -> list[Piece]:
    with files.open_binary(file) as stream:
        opened = parquet.open_parquet(stream)
        parquet.find_columns(opened, wanted, file.path, file.folders)
        return [Piece(file, None, group, group + 1) for group in range(opened.num_row_groups)]


def _read_parquet(piece: Piece, form: FileFormat, wanted: Mapping[str, Column], kinds: Mapping[str, Kind]) -> Parsed:
    with files.open_binary(piece.file) as stream:
        opened = parquet.open_parquet(stream)
        places = parquet.find_columns(opened, wanted, piece.file.path, piece.file.folders)
        table = parquet.read_row_group(opened, piece.start, places, kinds, form, piece.file.path)
    return Parsed(table, np.arange(table.num_rows, dtype=np.int64), [], table.num_rows)
