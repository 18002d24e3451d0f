"""Writes neighbours into an SQLite file that others read meanwhile.

`neighbours_<version>` is a table with `item_id` and `neighbours` (JSON, see `service.batch.keyed`). The view
`neighbours` shows the current one, with its `version` as a third column:

    select neighbours, version from neighbours where item_id = ?

The table is filled, the view is made anew, and older tables are removed in one transaction: a reader sees all of the
old version or all of the new one.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from common.errors import OutputError
from service.batch.keyed import pairs, with_version

_VIEW = "neighbours"
_TABLE = re.compile(rf"{_VIEW}_\d+")

_WAIT_SECONDS = 30.0
"""For another writer. Readers are not waited for: a file with a write-ahead log has old and new pages at once."""


class SqliteStore:
    """An SQLite file; other tables of it are left alone."""

    def __init__(self, path: Path) -> None:
        """Names the file; it may be missing."""
        self.path = path
        self.parts_folder = path.with_name(f"{path.name}.parts")

    def check(self) -> None:
        """Refuses what is no SQLite file.

        Raises:
            OutputError: The file is not of SQLite, or cannot be opened.
        """
        with self._connection() as connection:
            connection.execute("select count(*) from sqlite_master").fetchone()

    def write(self, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
        """Puts the neighbours in place of those of an older version.

        Raises:
            OutputError: The file cannot be written; what was in it stays.
        """
        version, tables = with_version(parts)
        if version is None:
            raise OutputError(f"{self.path}: no item has a neighbour, so nothing was written.")
        table = f"{_VIEW}_{version}"
        with self._connection() as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("begin immediate")
            connection.execute(f"drop view if exists {_VIEW}")
            names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
            for name in filter(_TABLE.fullmatch, names):
                connection.execute(f"drop table {name}")
            connection.execute(f"create table {table} (item_id text primary key, neighbours text) without rowid")
            for part in tables:
                rows = ((item_id, value.decode()) for item_id, value in pairs(part))
                connection.executemany(f"insert into {table} values (?, ?)", rows)
            connection.execute(f"create view {_VIEW} as select item_id, neighbours, {version} as version from {table}")
            connection.execute("commit")
            connection.execute("pragma wal_checkpoint(truncate)")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, _WAIT_SECONDS, isolation_level=None)) as connection:
                yield connection
        except (sqlite3.Error, OSError) as e:
            raise OutputError(f"{self.path}: cannot be used as an SQLite file ({e}). Name another file.") from e
