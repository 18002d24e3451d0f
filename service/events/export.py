"""Writes events for the pipeline: closed batches, `events-<N>.parquet`, each event in exactly one of them.

A batch has a number, not a range of times. A range would have to be closed by a clock: an event that a client sends
late, or that a slow transaction commits after the range was read, would be in no file, or in two. Here an event belongs
to the export that is open when it is committed, and an export that is closed gets no more. So closing needs no look at
the events, a version of the model knows exactly the events up to some number, and a file can be written again at any
time from the database: after a crash, if it was deleted, when a user is forgotten, and when the log's words change.

The same rows give the same bytes, as long as config and pyarrow are the same.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Row, select, update

from common.atomicity import new_file
from common.errors import OutputError
from service.database.database import Database
from service.database.tables import events, exports, state
from service.events.files import (
    EVENT,
    ITEM_ID,
    POSITION,
    RECOMMENDATION_ID,
    TIMESTAMP,
    USER_ID,
    VALUE,
    VERSION,
    file_of,
)
from service.events.forgotten_copy import write_copy
from service.events.statistics import write_statistics
from service.events.vocabulary import Vocabulary

ROW_GROUP_ROWS = 65_536
"""Rows in memory at a time: some 30 MB with ids of usual length."""

_VOCABULARY = b"perennial_vocabulary"
"""Key of a file's metadata: what the log could say when it was written."""


@dataclass(frozen=True)
class Export:
    """What an export did."""

    number: int | None
    """The newest closed export; None if there has never been an event."""

    written: dict[int, int]
    """Number of each file that was written, new or again, to its rows."""

    skipped: int
    """Events in these files' batches that were left out, because today's config cannot express their type."""


def export(database: Database, vocabulary: Vocabulary, folder: Path) -> Export:
    """Closes the open export, if it has events, and writes every file that is missing or out of date.

    Several may run at once. One that is killed leaves work that the next one does.

    Args:
        database: The database, with a long timeout, see `service.database.database.LONG_SECONDS`.
        vocabulary: What the log can say.
        folder: A local folder; it is made.

    Raises:
        OutputError: A file cannot be written.
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    database.write(_close)
    return write_files(database, vocabulary, folder)


def write_files(database: Database, vocabulary: Vocabulary, folder: Path) -> Export:
    """Writes every file that is missing or out of date; see `export`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_copy(database, folder)
        query = select(exports.c.number, exports.c.written).order_by(exports.c.number)
        closed = database.rows(query)
        written, skipped = dict[int, int](), 0
        for number, is_written in map(tuple, closed):
            if not is_written or not _says(file_of(folder, number), vocabulary):
                written[number], left_out = _write(database, vocabulary, folder, number)
                skipped += left_out
        write_statistics(database, folder)
    except OSError as e:
        raise OutputError(f"{folder}: cannot be written ({e.strerror}). Free disk space, or make it writable.") from e
    return Export(closed[-1].number if closed else None, written, skipped)


def schema(vocabulary: Vocabulary) -> Any:
    """The pyarrow schema of a file."""
    said = {EVENT: [(EVENT, pa.string())], VALUE: [(VALUE, pa.float64())], None: []}[vocabulary.column]
    return pa.schema(
        [
            (USER_ID, pa.string()),
            (ITEM_ID, pa.string()),
            *said,
            (TIMESTAMP, pa.timestamp("us", tz="UTC")),
            (RECOMMENDATION_ID, pa.string()),
            (VERSION, pa.int64()),
            (POSITION, pa.int16()),
        ],
        metadata={_VOCABULARY: _spelled(vocabulary)},
    )


def _says(file: Path, vocabulary: Vocabulary) -> bool:
    """Whether a file is there, and says what its events are as the log does today: the config may have changed."""
    try:
        metadata = pq.read_schema(file).metadata
    except (FileNotFoundError, pa.ArrowInvalid):  # the latter: it is damaged
        return False
    return metadata is not None and metadata.get(_VOCABULARY) == _spelled(vocabulary)


def _spelled(vocabulary: Vocabulary) -> bytes:
    return json.dumps([vocabulary.column, vocabulary.words], sort_keys=True).encode()


def _close(connection: Connection) -> None:
    number = connection.execute(select(state.c.open_export).with_for_update()).scalar_one()
    some = select(events.c.sequence).where(events.c.export == number).limit(1)
    if connection.execute(some).first() is None:
        return
    connection.execute(update(state).values(open_export=number + 1))
    row = {"number": number, "closed_at": time.time_ns() // 1000, "generation": 0, "written": False}
    connection.execute(exports.insert(), row)


def _write(database: Database, vocabulary: Vocabulary, folder: Path, number: int) -> tuple[int, int]:
    """Writes one file; returns its rows, and the events that were left out."""
    this = exports.c.number == number
    while True:
        generation = database.rows(select(exports.c.generation).where(this))[0].generation
        written, left_out = 0, 0
        with (
            new_file(file_of(folder, number), durable=True) as unfinished,
            pq.ParquetWriter(unfinished, schema(vocabulary), compression="zstd") as writer,
        ):
            for rows in _pages(database, number):
                said = [row for row in rows if row.type in vocabulary.words]
                writer.write_table(_table(said, vocabulary))
                written += len(said)
                left_out += len(rows) - len(said)
        # If somebody was forgotten since the generation was read, the file may hold the user: it is written again. It
        # is so too if this process ends before the next line.
        mark = update(exports).where(this, exports.c.generation == generation).values(written=True)
        if database.change(mark):
            return written, left_out


def _pages(database: Database, number: int) -> Iterator[list[Row[Any]]]:
    last = -1
    while True:
        query = (
            select(events)
            .where(events.c.export == number, events.c.sequence > last)
            .order_by(events.c.sequence)
            .limit(ROW_GROUP_ROWS)
        )
        rows = database.rows(query)
        if rows:
            yield rows
        if len(rows) < ROW_GROUP_ROWS:
            return
        last = rows[-1].sequence


def _table(rows: list[Row[Any]], vocabulary: Vocabulary) -> Any:
    columns = {
        USER_ID: [row.user_id for row in rows],
        ITEM_ID: [row.item_id for row in rows],
        EVENT: [vocabulary.words[row.type] for row in rows],
        VALUE: [row.value for row in rows],
        TIMESTAMP: [row.time for row in rows],
        RECOMMENDATION_ID: [row.recommendation_id for row in rows],
        VERSION: [row.version for row in rows],
        POSITION: [row.position for row in rows],
    }
    wanted = schema(vocabulary)
    return pa.table([pa.array(columns[field.name], field.type) for field in wanted], schema=wanted)
