"""The errors of the database, and how those of the drivers become ours.

A driver's message may repeat what it was given: "Duplicate entry 'U7' for key …". So none of it is repeated here, and
our error forgets its cause: only the driver's class and code are named.
"""

import contextlib
from collections.abc import Iterator

from sqlalchemy import exc

from common.errors import PerennialError


class DatabaseError(PerennialError):
    """The database refused what was asked. The message names neither ids nor values."""


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached, has no room, or did not answer in time; later it may."""


_LATER = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, exc.DisconnectionError)
"""What may go away by itself. `InternalError` is what PostgreSQL says while it is a standby that cannot write, and
`exc.TimeoutError` says that no connection of the pool became free."""


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Lets a block use the database, and raises errors of ours.

    Args:
        where: The database, for the message.

    Raises:
        DatabaseUnavailableError: Trying again later may help.
        DatabaseError: It will not.
    """
    try:
        yield
    except _LATER as e:
        raise DatabaseUnavailableError(
            f"{where}: does not answer ({_reason(e)}). See that it runs, that it can be reached, and that its disk has "
            "room; the service connects again by itself."
        ) from None
    except exc.SQLAlchemyError as e:
        raise DatabaseError(
            f"{where}: refused a statement ({_reason(e)}). `perennial serve` makes and upgrades the tables when it "
            "starts; if that has been done, look into the database's own log."
        ) from None


def is_deadlock(error: exc.DBAPIError) -> bool:
    """Tells whether the database ended the transaction in favour of another one, so that it may be tried again."""
    return _code(error) in _DEADLOCKS


_DEADLOCKS = {"40P01", "40001", "1213"}
"""PostgreSQL's deadlock and serialization failure; MySQL's and MariaDB's deadlock."""


def _reason(error: Exception) -> str:
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return type(error).__name__
    return " ".join(part for part in (type(error.orig).__name__, _code(error)) if part)


def _code(error: exc.DBAPIError) -> str:
    """The SQLSTATE, MySQL's number, or SQLite's name of the error; empty if there is none."""
    cause = error.orig
    number = cause.args[0] if cause is not None and cause.args and isinstance(cause.args[0], int) else None
    # sqlite_errorname is new in Python 3.11.
    return str(getattr(cause, "sqlstate", None) or number or getattr(cause, "sqlite_errorname", None) or "")
