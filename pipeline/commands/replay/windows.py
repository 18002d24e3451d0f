"""Cuts a log into windows of equal size by time. The rows are not changed: the pipeline cleans them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.atomicity import new_file
from common.errors import ConfigError, DataError
from configs.log import Log, LogColumns
from pipeline import datasets
from pipeline.components.interaction_gen import reading
from pipeline.reading import columns, files, pieces, settings, spans, times
from pipeline.reading.bad_rows import Problems
from pipeline.reading.files import require_match


@dataclass(frozen=True)
class Window:
    """The events of one round."""

    file: Path
    """Parquet file, with the log's columns under the names of `reading`."""

    events: int
    """The number of rows."""

    oldest: int
    newest: int
    """Timestamps of the first and the last event, in the log's unit."""


def cut(log: Log, rounds: int, folder: Path) -> list[Window]:
    """Reads a log and writes its windows.

    Args:
        log: The log's config, with timestamps; its path may be a `dataset://` one.
        rounds: The number of windows; their numbers of events differ by one at most.
        folder: Where to write them; it is created if it is missing.

    Returns:
        The windows, oldest first. Events with the same time keep the order of the input.

    Raises:
        ConfigError: The log has no timestamps, or it has separate files for each split.
        DataError: The log cannot be read, or has fewer events than there are rounds.
    """
    if log.columns.timestamp is None or not isinstance(log.path, str):
        raise ConfigError(
            "a replay cuts the log by time: it needs log.columns.timestamp, and a log.split.method other than 'given'."
        )
    path = spans.as_glob(datasets.resolve(log.path))
    table, moments = _read(log, path)
    if len(moments) < rounds:
        raise DataError(
            f"{path}: {len(moments)} event(s) with a time are too few for {rounds} rounds. Give fewer --rounds."
        )
    order = np.argsort(moments, kind="stable")
    found = []
    for number, rows in enumerate(np.array_split(order, rounds), 1):
        file = folder / f"round-{number:03d}.parquet"
        with new_file(file) as unfinished:
            pq.write_table(table.take(pa.array(rows)), unfinished)
        found.append(Window(file, len(rows), int(moments[rows[0]]), int(moments[rows[-1]])))
    return found


def windowed(log: Log, path: str) -> Log:
    """Makes the config of the same log after it was cut into windows.

    Args:
        log: The config of the log that was cut.
        path: The glob of the windows that have arrived.
    """
    named = {field: field for field in reading.wanted_columns(log)}
    in_windows = LogColumns(
        user_id=reading.USER,
        item_id=reading.ITEM,
        value=named.get(reading.VALUE),
        timestamp=named.get(reading.TIMESTAMP),
    )
    return log.model_copy(
        update={
            "path": path,
            "events": False,
            # A text that was in quotes is not one of the words. Numbers are still written as they were.
            "format": log.format.model_copy(update={"kind": "parquet", "empty": ()}),
            "columns": in_windows,
            "timestamp_unit": times.unit_of(log.timestamp_unit),
            "time_zone": "UTC",
        }
    )


def _read(log: Log, path: str) -> tuple[Any, Any]:
    """Reads all rows with a readable time, as a pyarrow.Table, and their times int64 `[rows]`."""
    wanted = reading.wanted_columns(log)
    base, patterns = settings.split_globs({"log": path})
    require_match(path)
    tables, moments = [], []
    for file in files.list_files(base, patterns):
        parts, report = pieces.plan(file, log.format, wanted)
        for file_report in report.files.values():
            if file_report.error is not None:
                raise DataError(file_report.error)
        for piece in parts:
            for _, parsed in pieces.read(piece, log.format, wanted, reading.kinds(log)):
                problems = Problems.none(parsed.table.num_rows)
                row_times = times.read(
                    parsed.table.column(reading.TIMESTAMP), log.timestamp_unit, log.time_zone, "timestamp", problems
                )
                # All columns but the time become text: the pipeline finds the cells with errors.
                found = {
                    field: columns.texts(parsed.table.column(field), field, problems)
                    for field in wanted
                    if field != reading.TIMESTAMP
                }
                table = pa.table({**found, reading.TIMESTAMP: pa.array(row_times)})
                tables.append(table.filter(pa.array(problems.good)))
                moments.append(row_times[problems.good])
    if not tables:
        raise DataError(f"{path}: holds no events to replay.")
    return pa.concat_tables(tables), np.concatenate(moments)
