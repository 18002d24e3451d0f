"""Keeps each user's newest interactions, and takes users out for good."""

import contextlib
import dataclasses
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.atomicity import new_file
from documents import service_data
from service.snapshot.sqlite import Reader, writing

_USERS_AT_ONCE = 8192
"""Users in memory while histories are written: with 50 interactions each some 10 MB."""


@dataclasses.dataclass(frozen=True)
class History:
    """A user's newest interactions with items of the catalogue, oldest first.

    Attributes:
        places: int32 `[n]`, the items' places in the catalogue.
        weights: float32 `[n]`.
        times: int64 `[n]`, Unix seconds; None if the log has no times.
    """

    places: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    times: npt.NDArray[np.int64] | None


def write_histories(path: str | Path, parquet: str | Path, item_ids: Sequence[str]) -> int:
    """Writes the histories of a version; items outside the catalogue are left out, as no model counts them.

    Args:
        path: The new file.
        parquet: The version's `documents.service_data.HISTORIES_FILE`; it is read in parts.
        item_ids: The catalogue.

    Returns:
        The number of users.

    Raises:
        OSError: The Parquet file cannot be read.
        sqlite3.Error: The file cannot be written.
    """
    catalogue, users = pa.array(item_ids, pa.string()), 0
    with pq.ParquetFile(parquet) as source, writing(path) as connection:
        connection.execute("create table histories (user_id blob, places blob, weights blob, times blob)")
        for batch in source.iter_batches(_USERS_AT_ONCE):
            connection.executemany("insert into histories values (?, ?, ?, ?)", _rows(batch, catalogue))
            users += batch.num_rows
        # Made last, it is sorted on the disk and takes no memory; and it refuses a user who comes twice.
        connection.execute("create unique index by_user on histories (user_id)")
    return users


def _rows(batch: pa.RecordBatch, catalogue: pa.Array) -> Iterable[tuple[bytes, bytes, bytes, bytes | None]]:
    columns = {name: batch.column(position) for position, name in enumerate(batch.schema.names)}
    items = columns[service_data.ITEM_ID]
    lengths = pc.fill_null(pc.list_value_length(items), 0).to_numpy(zero_copy_only=False)
    places = pc.fill_null(pc.index_in(items.flatten(), value_set=catalogue), -1).to_numpy(zero_copy_only=False)
    weights = columns[service_data.WEIGHT].flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    timed = columns.get(service_data.TIME)
    times = None if timed is None else timed.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    is_item, ends = places >= 0, np.cumsum(lengths)
    for user_id, start, end in zip(columns[service_data.USER_ID].to_pylist(), ends - lengths, ends, strict=True):
        known = is_item[start:end]
        yield (
            user_id.encode(),
            places[start:end][known].astype(np.int32).tobytes(),
            weights[start:end][known].tobytes(),
            None if times is None else times[start:end][known].tobytes(),
        )


def forget(path: str | Path, user_ids: Iterable[str]) -> None:
    """Takes users out of the histories, so that no byte of them stays in the file. Open `Histories` see it at once.

    Args:
        path: The file.
        user_ids: Users; unknown ones are ignored.

    Raises:
        OSError: The file cannot be replaced; the old one stays.
        sqlite3.Error: The same.
    """
    with new_file(path, durable=True) as copy:
        shutil.copyfile(path, copy)
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("begin")
            for user_id in user_ids:
                connection.execute("delete from histories where user_id = ?", (user_id.encode(),))
            connection.execute("commit")
            connection.execute("vacuum")  # what is deleted stays in free pages until the file is written anew


class Histories:
    """The histories, for many threads."""

    def __init__(self, path: str | Path) -> None:
        """Opens the file that `write_histories` wrote."""
        self._path = path
        self._lock = threading.Lock()
        self._file = os.stat(path)
        self._reader = Reader(path)

    def of(self, user_id: str) -> History | None:
        """The history of a user; None if there is none."""
        try:
            key = user_id.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell: no id of a log
            return None
        rows = self._current().rows("select places, weights, times from histories where user_id = ?", (key,))
        if not rows:
            return None
        [(places, weights, times)] = rows
        return History(
            np.frombuffer(places, np.int32),
            np.frombuffer(weights, np.float32),
            None if times is None else np.frombuffer(times, np.int64),
        )

    def users(self, offset: int, limit: int) -> list[str]:
        """Some of the users, in the order of their ids' bytes.

        Args:
            offset: Users that are passed over.
            limit: Largest number of users.
        """
        rows = self._current().rows("select user_id from histories order by user_id limit ? offset ?", (limit, offset))
        return [user_id.decode() for (user_id,) in rows]

    def close(self) -> None:
        """Closes the file."""
        self._reader.close()

    def _current(self) -> Reader:
        """The reader of the file that has the name now: `forget` puts another one there."""
        found = os.stat(self._path)
        if not os.path.samestat(found, self._file):
            with self._lock:
                if not os.path.samestat(found, self._file):
                    # The old one is not closed: another thread may be reading. It ends with its last reader.
                    self._file, self._reader = found, Reader(self._path)
        return self._reader
