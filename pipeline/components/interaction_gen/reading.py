"""Reads the log's files as Arrow tables of interactions, one block at a time, with a report on each block."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from common.errors import DataError
from configs.file_format import Column, FileFormat
from configs.ids import Ids
from configs.log import LogColumns, LogSettings
from pipeline.components.interaction_gen.report import LogReport, spans_of
from pipeline.reading import bad_rows, columns, event_files, pieces, times
from pipeline.reading.bad_rows import Problems
from pipeline.reading.files import InputFile
from pipeline.reading.parsed import Kind, Parsed
from pipeline.reading.pieces import Piece
from pipeline.reading.report import FileReport, ReadingReport
from service.events import files as exported
from service.events.forgotten import Forgotten

USER, ITEM, VALUE, TIMESTAMP, HELD_OUT = "user", "item", "value", "timestamp", "held_out"
"""Columns of a table of interactions. `user` and `item` are dictionaries of strings. `value` (float64) and `timestamp`
(int64, in the log's unit) exist if the log has them, and `held_out` (bool) exists with the `given` split."""

NOBODY = Forgotten(b"", frozenset())
"""Nobody is forgotten."""


@dataclass(frozen=True)
class Block:
    """The interactions of one block of a file."""

    order: tuple[int, int]
    """The file's index and the block's start. Blocks that are sorted by it are in the order of the input."""

    table: Any
    """pyarrow.Table of interactions."""


def plan(file: InputFile, log: LogSettings) -> tuple[list[Piece], LogReport]:
    """Cuts a file into pieces, and reports on the file; see `pieces.plan`."""
    log = _layout_of(file, log)
    found, report = pieces.plan(file, log.format, wanted_columns(log))
    return found, LogReport(report)


def read(
    piece: Piece, log: LogSettings, ids: Ids, now_seconds: float, forgotten: Forgotten = NOBODY
) -> Iterator[tuple[Block | None, LogReport]]:
    """Reads a piece.

    Args:
        piece: The piece.
        log: The log's config.
        ids: How ids are read.
        now_seconds: The time of the run; timestamps later than this plus `cleaning.max_future_seconds` are bad.
        forgotten: Whose rows are dropped; they are counted, and nothing else is said about them.

    Yields:
        A block of interactions and its report; None for the block if the file cannot be read.
    """
    log = _layout_of(piece.file, log)
    try:
        for start, parsed in pieces.read(piece, log.format, wanted_columns(log), kinds(log)):
            with pieces.convertible(piece.file):
                found = _interactions(piece, start, parsed, log, ids, now_seconds, forgotten)
            yield found
    except DataError as e:
        yield None, LogReport(ReadingReport({piece.file.index: FileReport(piece.file.path, error=str(e))}))


def wanted_columns(log: LogSettings) -> dict[str, Column]:
    """Returns field to the log's column that holds it."""
    named = {
        USER: log.columns.user_id,
        ITEM: log.columns.item_id,
        VALUE: log.columns.value,
        TIMESTAMP: log.columns.timestamp,
    }
    return {field: column for field, column in named.items() if column is not None}


def kinds(log: LogSettings) -> dict[str, Kind]:
    """Returns field to what its column holds."""
    value: Kind = "number" if log.event_weights is None else "id"
    found: dict[str, Kind] = {USER: "id", ITEM: "id", VALUE: value, TIMESTAMP: "integer"}
    return {field: found[field] for field in wanted_columns(log)}


def _layout_of(file: InputFile, log: LogSettings) -> LogSettings:
    """The log's config for one of its files: exported events have a layout of their own, whatever the log's is."""
    if file.split != event_files.EVENTS:
        return log
    value = exported.VALUE if log.event_weights is None else exported.EVENT
    return log.model_copy(
        update={
            # An id that reads as "NULL" is an id: nothing stands for an empty cell.
            "format": FileFormat(kind="parquet", empty=()),
            "columns": LogColumns(
                user_id=exported.USER_ID,
                item_id=exported.ITEM_ID,
                value=None if log.columns.value is None else value,
                timestamp=None if log.columns.timestamp is None else exported.TIMESTAMP,
            ),
        }
    )


def _without_forgotten(parsed: Parsed, ids: Ids, forgotten: Forgotten) -> tuple[Parsed, int]:
    """Drops the rows of forgotten users before anything is said about them; returns how many there were."""
    table = parsed.table
    if not len(forgotten) or not table.num_rows:
        return parsed, 0
    readable = Problems.none(table.num_rows)
    users = columns.ids(table.column(USER), "user_id", ids, readable)
    gone = forgotten.mask(users) & readable.good
    if not gone.any():
        return parsed, 0
    return replace(parsed, table=table.filter(pa.array(~gone)), rows=parsed.rows[~gone]), int(np.count_nonzero(gone))


def _interactions(
    piece: Piece,
    start: int,
    parsed: Parsed,
    log: LogSettings,
    ids: Ids,
    now_seconds: float,
    forgotten: Forgotten,
) -> tuple[Block, LogReport]:
    parsed, dropped = _without_forgotten(parsed, ids, forgotten)
    file, cells = piece.file, parsed.table
    problems = Problems.none(cells.num_rows)
    problems.add(pieces.repeats_header(piece, cells), bad_rows.REPEATED_HEADER)
    report = LogReport(forgotten=dropped)
    found = {
        USER: columns.ids(cells.column(USER), "user_id", ids, problems),
        ITEM: columns.ids(cells.column(ITEM), "item_id", ids, problems),
    }
    if log.event_weights is not None:
        found[VALUE] = pa.array(columns.weights(cells.column(VALUE), log.event_weights, problems))
    elif log.columns.value is not None:
        found[VALUE] = pa.array(columns.numbers(cells.column(VALUE), "value", log.format, problems))
    if log.columns.timestamp is not None:
        without = Problems.none(cells.num_rows)
        moments = times.read(cells.column(TIMESTAMP), log.timestamp_unit, log.time_zone, "timestamp", without)
        problems.add_all(without)
        timed = moments if without.good.all() else moments[without.good]
        if len(timed):
            report.lowest, report.highest = int(timed.min()), int(timed.max())
        _check_times(moments, log, now_seconds, problems)
        found[TIMESTAMP] = pa.array(moments)
        report.spans = spans_of(
            moments[problems.good],
            np.flatnonzero(problems.good),
            times.per_second(log.timestamp_unit),
            lambda row: pieces.bad_row(file, start, parsed, row, bad_rows.TIME_APART),
        )
    if log.split.method == "given":
        found[HELD_OUT] = pa.array(np.full(cells.num_rows, file.split == "eval"))
    report.reading = pieces.report_block(file, start, parsed, problems, log.cleaning.max_quarantine_rows)
    table = pa.table(found)
    if not problems.good.all():
        table = table.filter(pa.array(problems.good))
    return Block((file.index, start), table), report


def _check_times(moments: npt.NDArray[np.int64], log: LogSettings, now_seconds: float, problems: Problems) -> None:
    limit = now_seconds + log.cleaning.max_future_seconds
    problems.add(moments < 0, bad_rows.NEGATIVE_TIMESTAMP)
    problems.add(moments > limit * times.per_second(log.timestamp_unit), bad_rows.FUTURE_TIMESTAMP)
