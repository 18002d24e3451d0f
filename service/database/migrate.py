"""Makes and upgrades the tables when the service starts. Of several starts at once, one does it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from configs.service.events import Database as Settings
from service.database.columns import is_mysql
from service.database.database import LONG_SECONDS, Database
from service.database.engine import WRITES
from service.database.errors import DatabaseError, translated

_FOLDER = Path(__file__).parent / "migrations"

_LOCK = "perennial_schema"
_LOCK_NUMBER = 0x5045_5245_4E4E
"""The lock's name in MySQL, and in PostgreSQL, where it is a number ("PERENN")."""


def migrate(settings: Settings, default_file: Path) -> None:
    """Brings the tables to what this code needs. Nothing happens if they are.

    Args:
        settings: The config's `service.database`.
        default_file: The SQLite file if the config names no URL.

    Raises:
        ConfigError: The URL cannot be used.
        DatabaseUnavailableError: The database cannot be reached.
        DatabaseError: The tables are of a newer release, or the account may not change them.
    """
    database = Database(settings, default_file, timeout_seconds=LONG_SECONDS)
    try:
        with translated(database.name), database.engine.connect() as connection, _alone(connection):
            _upgrade(connection, database.name)
    finally:
        database.close()


def alembic_config(connection: Connection) -> Config:
    """The settings of alembic for a connection; there is no alembic.ini."""
    config = Config()
    # A percent sign would begin a variable.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, name: str) -> None:
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as e:
        raise DatabaseError(
            f"{name}: its tables cannot be upgraded ({e}). If a newer release of Perennial made them, upgrade this one."
        ) from e


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Holds a lock until the tables are committed.

    SQLite and PostgreSQL change tables in a transaction, and the lock ends with it. MySQL commits each change by
    itself, so the lock is the session's.
    """
    if is_mysql(connection.dialect):
        if (
            connection.execute(
                text("SELECT GET_LOCK(:name, :wait)"), {"name": _LOCK, "wait": int(LONG_SECONDS)}
            ).scalar()
            != 1
        ):
            raise DatabaseError("Another start of the service has been upgrading the tables for too long. Look at it.")
        try:
            yield
            connection.commit()
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK})
            connection.commit()
        return
    connection = connection.execution_options(**{WRITES: True})
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        yield
