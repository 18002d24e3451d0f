"""Opens the SQLite files of a snapshot: to be written once, or to be read by many threads."""

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[sqlite3.Connection]:
    """A connection to a new file, or to a copy that nobody reads yet; commits at the end of the block.

    The folder around the file appears whole or not at all, so the file itself needs no journal.

    Args:
        path: The file.

    Yields:
        The connection.

    Raises:
        sqlite3.Error: The file cannot be written.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute("begin")
        yield connection
        connection.execute("commit")


class Reader:
    """Reads a file that nobody changes, from any thread.

    One connection is used by one thread at a time; a query of a snapshot takes well below a millisecond.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens the file.

        Args:
            path: The file.

        Raises:
            sqlite3.Error: The file cannot be opened.
        """
        # `immutable` drops locks and checks for changes; `as_uri` quotes what a URI gives a meaning, such as `?`.
        uri = f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._lock = threading.Lock()
        # A reader ends with the last request that holds it, also where nobody knows which one that is.
        weakref.finalize(self, self._connection.close)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Runs one query and returns all of its rows."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def close(self) -> None:
        """Closes the file; later queries fail."""
        with self._lock:
            self._connection.close()
