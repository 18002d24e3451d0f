"""The log's files as Arrow tables of interactions, a block at a time, with a report of each block."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from configs.data import Column, Log
from configs.errors import DataError
from pipeline.components.interaction_gen.report import UNITS, FileReport, ReadingReport
from pipeline.components.tabular import bad_rows, columns, delimited, files, layout, parquet
from pipeline.components.tabular.bad_rows import BadRow, Problems
from pipeline.components.tabular.files import InputFile
from pipeline.components.tabular.layout import Layout

USER, ITEM, VALUE, TIMESTAMP, HELD_OUT = "user", "item", "value", "timestamp", "held_out"
"""Columns of a table of interactions. `user` and `item` are dictionaries of strings; `value` (float64) and `timestamp`
(int64, in the log's unit) are there if the log has them, `held_out` (bool) with the `given` split."""

_OPEN_ERRORS = (*files.READ_ERRORS, pa.ArrowException)


@dataclass(frozen=True)
class Piece:
    """A part of a file that one worker reads."""

    file: InputFile
    layout: Layout | None
    """Where text keeps its columns; None for Parquet."""

    start: int
    """First byte (text) or row group (Parquet)."""

    end: int | None
    """Byte or row group after the last; None for the end of the file."""


@dataclass(frozen=True)
class Block:
    """A part of a file that was read in one go."""

    order: tuple[int, int]
    """The file's index and the block's start: blocks sorted by it are in the order of the input."""

    table: Any
    """pyarrow.Table of interactions."""


def plan(file: InputFile, log: Log) -> tuple[list[Piece], ReadingReport]:
    """Cuts a file into pieces.

    Args:
        file: The file.
        log: The log's config.

    Returns:
        The pieces, none for an empty file, and a report that names the file, with the error if it cannot be read.
    """
    report = FileReport(file.path)
    try:
        pieces = _plan_parquet(file, log) if log.format.kind == "parquet" else _plan_text(file, log)
    except DataError as e:
        report.error, pieces = str(e), []
    except _OPEN_ERRORS as e:
        report.error, pieces = _unreadable(file, e), []
    if pieces and pieces[0].layout is not None:
        report.first_row += pieces[0].layout.skip_lines
    return pieces, ReadingReport({file.index: report})


def read(piece: Piece, log: Log, now_seconds: float) -> Iterator[tuple[Block | None, ReadingReport]]:
    """Reads a piece.

    Args:
        piece: The piece.
        log: The log's config.
        now_seconds: The run's clock; later timestamps are bad, but for `cleaning.max_future_seconds`.

    Yields:
        Interactions of a block and its report; no block where the file cannot be read.
    """
    try:
        blocks = _read_parquet(piece, log) if piece.layout is None else _read_text(piece, log, piece.layout)
        for start, parsed in blocks:
            yield _interactions(piece.file, start, parsed, log, now_seconds)
    except DataError as e:
        yield None, ReadingReport({piece.file.index: FileReport(piece.file.path, error=str(e))})
    except _OPEN_ERRORS as e:
        error = _unreadable(piece.file, e)
        yield None, ReadingReport({piece.file.index: FileReport(piece.file.path, error=error)})


def wanted_columns(log: Log) -> dict[str, Column]:
    """Field to the column that the log keeps it in."""
    names = {USER: log.columns.user_id, ITEM: log.columns.item_id}
    if log.columns.value is not None:
        names[VALUE] = log.columns.value
    if log.columns.timestamp is not None:
        names[TIMESTAMP] = log.columns.timestamp
    return names


def _plan_text(file: InputFile, log: Log) -> list[Piece]:
    with files.open_binary(file) as stream:
        head = stream.read(layout.HEAD_BYTES)
    found = layout.find_layout(head, log.format, wanted_columns(log), file.path)
    if found is None:
        return []
    if file.compressed:
        return [Piece(file, found, found.skip_bytes, None)]
    starts = range(found.skip_bytes, file.bytes, files.BLOCK_BYTES)
    return [Piece(file, found, start, min(start + files.BLOCK_BYTES, file.bytes)) for start in starts]


def _plan_parquet(file: InputFile, log: Log) -> list[Piece]:
    with files.open_binary(file) as stream:
        opened = parquet.open_parquet(stream)
        parquet.find_columns(opened, wanted_columns(log), file.path)
        return [Piece(file, None, group, group + 1) for group in range(opened.num_row_groups)]


def _read_text(piece: Piece, log: Log, found: Layout) -> Iterator[tuple[int, delimited.Parsed]]:
    kinds: dict[str, delimited.Kind] = {
        USER: "id",
        ITEM: "id",
        VALUE: "number" if log.event_weights is None else "id",
        TIMESTAMP: "integer",
    }
    kinds = {field: kinds[field] for field in found.positions}
    at_line = piece.start == found.skip_bytes
    for start, block in files.read_blocks(piece.file, piece.start, piece.end, at_line):
        yield start, delimited.parse(block, log.format, found, kinds, piece.file.path)


def _read_parquet(piece: Piece, log: Log) -> Iterator[tuple[int, delimited.Parsed]]:
    with files.open_binary(piece.file) as stream:
        opened = parquet.open_parquet(stream)
        names = parquet.find_columns(opened, wanted_columns(log), piece.file.path)
        table = parquet.read_row_group(opened, piece.start, names)
    rows = table.num_rows
    yield piece.start, delimited.Parsed(table, np.arange(rows, dtype=np.int64), [], rows)


def _interactions(
    file: InputFile, start: int, parsed: delimited.Parsed, log: Log, now_seconds: float
) -> tuple[Block, ReadingReport]:
    cells = parsed.table
    problems = Problems.none(cells.num_rows)
    report = FileReport(
        file.path, cells.num_rows + len(parsed.bad), Counter(why for _, why, _ in parsed.bad), 1, {start: parsed.lines}
    )
    whole = ReadingReport({file.index: report})
    found = {
        USER: columns.ids(cells.column(USER), "user_id", problems),
        ITEM: columns.ids(cells.column(ITEM), "item_id", problems),
    }
    if log.event_weights is not None:
        found[VALUE] = pa.array(columns.weights(cells.column(VALUE), log.event_weights, problems))
    elif log.columns.value is not None:
        found[VALUE] = pa.array(columns.numbers(cells.column(VALUE), "value", problems))
    if log.columns.timestamp is not None:
        times = columns.times(cells.column(TIMESTAMP), log.timestamp_unit, "timestamp", problems)
        _check_times(times, log, now_seconds, problems, whole)
        found[TIMESTAMP] = pa.array(times)
    if log.split.method == "given":
        found[HELD_OUT] = pa.array(np.full(cells.num_rows, file.split == "eval"))
    table = pa.table(found)
    good = problems.good
    if not good.all():
        table = table.filter(pa.array(good))
        report.bad.update(problems.counts())
    if log.columns.timestamp is not None and table.num_rows:
        whole.oldest, whole.newest = int(times[good].min()), int(times[good].max())
    whole.quarantine = _quarantine(file, start, parsed, problems, log.cleaning.max_quarantine_rows)
    return Block((file.index, start), table), whole


def _check_times(
    times: npt.NDArray[np.int64], log: Log, now_seconds: float, problems: Problems, report: ReadingReport
) -> None:
    per_second = UNITS[log.timestamp_unit]
    limit = now_seconds + log.cleaning.max_future_seconds
    problems.add(times < 0, bad_rows.NEGATIVE_TIMESTAMP)
    future = times > limit * per_second
    if future.any():
        problems.add(future, bad_rows.FUTURE_TIMESTAMP)
        for unit, finer in UNITS.items():
            report.future_as[unit] = int(np.count_nonzero(times[future] <= limit * finer))


def _quarantine(
    file: InputFile, start: int, parsed: delimited.Parsed, problems: Problems, max_rows: int
) -> list[BadRow]:
    rows = [BadRow(file.index, start, row, reason, cut) for row, reason, cut in parsed.bad[:max_rows]]
    for count, (row, reason) in enumerate(problems.bad()):
        if count >= max_rows:
            break
        shown = ", ".join("" if c[row].as_py() is None else str(c[row].as_py()) for c in parsed.table.columns)
        rows.append(BadRow(file.index, start, int(parsed.rows[row]), reason, bad_rows.excerpt(shown)))
    return sorted(rows)[:max_rows]


def _unreadable(file: InputFile, error: BaseException) -> str:
    return (
        f"{file.path}: cannot be read ({type(error).__name__}: {error}). How many rows it holds is unknown, so it is "
        "not left out silently: repair it, or take it out of the log's path."
    )
