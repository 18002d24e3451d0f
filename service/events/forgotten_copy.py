"""The list of the forgotten in the database, and its copy in an export's folder."""

from pathlib import Path

from sqlalchemy import Connection, select

from common.atomicity import new_file, write_bytes
from service.database.database import Database
from service.database.secrets import secret
from service.database.tables import forgotten
from service.events.forgotten import KEY_FILE, LIST_FILE, Forgotten, content_of


def forgotten_key(database: Database) -> bytes:
    """The key of the hashes.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    return secret(database, "forgotten")


def forgotten_users(database: Database) -> Forgotten:
    """Reads the list.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    return Forgotten.parse(forgotten_key(database), database.read(_digests), "the database")


def write_copy(database: Database, folder: Path) -> None:
    """Writes key and hashes into an export's folder.

    Args:
        database: The database.
        folder: The folder; the key is for this account alone.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        OSError: A file cannot be written.
    """
    key, digests = forgotten_key(database), database.read(_digests)
    if content_of(folder / KEY_FILE) != key:
        with new_file(folder / KEY_FILE, durable=True) as unfinished:
            Path(unfinished).touch(mode=0o600)
            Path(unfinished).write_bytes(key)
    if content_of(folder / LIST_FILE) != digests:
        write_bytes(folder / LIST_FILE, digests, durable=True)


def _digests(connection: Connection) -> bytes:
    return b"".join(sorted(bytes(value) for value in connection.execute(select(forgotten.c.digest)).scalars()))
