"""The database as the rest of the service uses it: transactions that read or write, with errors of ours."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import DBAPIError

from configs.service.events import Database as Settings
from service.database.columns import is_mysql
from service.database.engine import WRITES, doubts, make_engine
from service.database.errors import is_deadlock, translated

T = TypeVar("T")

LONG_SECONDS = 600.0
"""Timeout of what a person waits for and no request: migrations, exports, forgetting. SQLite has no queue of those who
want to write: while events come without a pause, an export may have to try for seconds."""

_ATTEMPTS = 4
"""Two processes that change the same rows in another order are a deadlock, and the database ends one of them. It is
rare, and four in a row are something else."""


class Database:
    """One database. Safe to use from many threads."""

    def __init__(self, settings: Settings, default_file: Path, *, timeout_seconds: float | None = None) -> None:
        """Connects when it is used first.

        Args:
            settings: The config's `service.database`.
            default_file: The SQLite file if the config names no URL.
            timeout_seconds: Time for a connection, for a lock, and for a statement; None: the config's.

        Raises:
            ConfigError: The URL cannot be used.
        """
        self.engine = make_engine(settings, default_file, timeout_seconds or settings.timeout_seconds)
        url = self.engine.url
        self.name = f"{url.get_backend_name()} {url.database if url.host is None else f'{url.host}/{url.database}'}"
        """For messages."""

    def read(self, work: Callable[[Connection], T]) -> T:
        """Runs a function in a transaction that reads.

        Args:
            work: It may run twice.

        Raises:
            DatabaseUnavailableError, DatabaseError: See `service.database.errors`.
        """
        with translated(self.name):
            return self._run(work, writes=False)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs a function in a transaction that writes, and commits: what it wrote is on the disk.

        Args:
            work: It may run several times, also after a commit whose answer was lost. So it must be one that can.

        Raises:
            DatabaseUnavailableError, DatabaseError: See `service.database.errors`; perhaps it was written.
        """
        with translated(self.name):
            return self._run(work, writes=True)

    def rows(self, query: Executable) -> list[Row[Any]]:
        """Reads the rows of a query; see `read`."""
        return self.read(lambda connection: list(connection.execute(query).all()))

    def change(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Runs a statement, with these rows if it is an INSERT; returns how many rows it met; see `write`."""
        return self.write(lambda connection: connection.execute(statement, rows).rowcount)

    def doubts(self) -> list[str]:
        """Tells why what is committed might be lost; see `service.database.engine.doubts`."""
        return self.read(doubts)

    def wipe(self) -> None:
        """Lets deleted rows leave the files as far as the database allows it.

        SQLite has overwritten them in its file, and here empties its log. PostgreSQL frees their place, MariaDB and
        MySQL do it by themselves; their logs and backups are the operator's.
        """
        statements = {"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "VACUUM perennial_events"}
        statement = statements.get(self.engine.dialect.name)
        if statement is None:
            return
        with translated(self.name):
            raw = self.engine.raw_connection()
            try:
                if self.engine.dialect.name == "postgresql":
                    raw.driver_connection.autocommit = True  # type: ignore[union-attr]  # it is there: just connected
                raw.cursor().execute(statement)
            finally:
                raw.invalidate()  # the connection is not as the pool made it

    def close(self) -> None:
        """Ends all connections."""
        self.engine.dispose()

    def _run(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        for left in reversed(range(_ATTEMPTS)):
            try:
                with self.engine.connect() as connection:
                    connection = connection.execution_options(**{WRITES: writes})
                    with connection.begin():
                        return work(connection)
            except DBAPIError as e:
                # After a restart of the server, all connections of the pool are dead, and the first use finds it out.
                # SQLAlchemy then replaces them all.
                if not left or not (is_deadlock(e) or (e.connection_invalidated and left == _ATTEMPTS - 1)):
                    raise
        raise AssertionError("unreachable")

    @property
    def is_mysql(self) -> bool:
        """Whether it is MySQL or MariaDB."""
        return is_mysql(self.engine.dialect)
