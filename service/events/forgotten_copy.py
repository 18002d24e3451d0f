"""The list of the forgotten in the database, and its copy in an export's folder."""

from pathlib import Path

from sqlalchemy import Connection, select

from common.atomicity import new_file, write_bytes
from common.errors import OutputError
from service.database.database import Database
from service.database.secrets import secret
from service.database.sizes import KEY_BYTES
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
        OutputError: The folder is that of another database: its events would be overwritten, and its forgotten users
            would come back.
        OSError: A file cannot be written.
    """
    key, digests = forgotten_key(database), database.read(_digests)
    found = content_of(folder / KEY_FILE)
    if found is not None and len(found) == KEY_BYTES and found != key:
        raise OutputError(
            f"{folder}: holds the exports of another database than {database.name}. Use that one again, from a backup "
            "if it is lost. If it is lost for good: the events in the folder can go on as a part of the log, so move "
            "them to the log's own files; and forget again whoever was forgotten, because the new database does not "
            f"know of it. Then delete {KEY_FILE} and {LIST_FILE} here."
        )
    if found != key:
        with new_file(folder / KEY_FILE, durable=True) as unfinished:
            Path(unfinished).touch(mode=0o600)
            Path(unfinished).write_bytes(key)
    if content_of(folder / LIST_FILE) != digests:
        write_bytes(folder / LIST_FILE, digests, durable=True)


def _digests(connection: Connection) -> bytes:
    return b"".join(sorted(bytes(value) for value in connection.execute(select(forgotten.c.digest)).scalars()))
