"""Forgets a user: in the database, in the exported files, and in what comes later.

Events that come later with the id of a forgotten user are not stored; the answer counts them. They are no error, for
the shop that sends them has not done anything wrong and would only send them again. If the person comes back on
purpose, `remember` takes the id off the list; what was deleted stays deleted.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, select, update

from service.database.database import Database
from service.database.inserts import insert_new
from service.database.tables import events, exports, forgotten, state
from service.events.export import write_files
from service.events.forgotten import digest
from service.events.forgotten_copy import forgotten_key, write_copy
from service.events.vocabulary import Vocabulary


@dataclass(frozen=True)
class Forgot:
    """What was deleted."""

    events: int
    """Events in the database."""

    files: list[int]
    """Numbers of the exports whose files were written again, without the user."""


def forget(database: Database, vocabulary: Vocabulary, folder: Path, user: str) -> Forgot:
    """Forgets a user. If it is killed, or fails after the first step, run it again: it goes on.

    Args:
        database: The database, with a long timeout.
        vocabulary: What the log can say.
        folder: The folder of the exports.
        user: The user's id.

    Raises:
        OutputError: A file cannot be written; the events in the database are gone already.
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    key = forgotten_key(database)
    count = database.write(lambda connection: _forget(connection, user, digest(key, user)))
    files = write_files(database, vocabulary, folder)
    database.wipe()
    return Forgot(count, list(files.written))


def remember(database: Database, folder: Path, user: str) -> bool:
    """Takes a user off the list of the forgotten, so that new events count again.

    Args:
        database: The database.
        folder: The folder of the exports.
        user: The user's id.

    Returns:
        Whether the user was on the list.

    Raises:
        OSError: The list in the folder cannot be written.
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    statement = delete(forgotten).where(forgotten.c.digest == digest(forgotten_key(database), user))
    found = database.change(statement)
    write_copy(database, folder)
    return bool(found)


def _forget(connection: Connection, user: str, hashed: bytes) -> int:
    # Exclusive: waits for transactions that add events now, and whatever comes later sees the hash.
    connection.execute(select(state.c.open_export).with_for_update()).scalar_one()
    mine = events.c.user_id == user
    numbers = list(connection.execute(select(events.c.export).where(mine).distinct()).scalars())
    count = connection.execute(delete(events).where(mine)).rowcount
    connection.execute(insert_new(connection.dialect, forgotten, "digest"), {"digest": hashed})
    changed = update(exports).where(exports.c.number.in_(numbers))
    connection.execute(changed.values(generation=exports.c.generation + 1, written=False))
    return count
