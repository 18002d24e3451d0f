"""Keys that the service makes for itself. They lie in the database, so that all its processes have the same."""

import secrets as randomness

from sqlalchemy import Connection, select

from service.database.database import Database
from service.database.inserts import insert_new
from service.database.sizes import KEY_BYTES
from service.database.tables import secrets


def secret(database: Database, name: str) -> bytes:
    """Returns a key, which is made when it is asked for first.

    Args:
        database: The database.
        name: What it is for, such as `recommendation_id`.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    found = database.read(lambda connection: _find(connection, name))
    return database.write(lambda connection: _make(connection, name)) if found is None else found


def _find(connection: Connection, name: str) -> bytes | None:
    value = connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar()
    return None if value is None else bytes(value)


def _make(connection: Connection, name: str) -> bytes:
    # If another process makes it at the same time, its key stays, and both read that one.
    statement = insert_new(connection.dialect, secrets, "name")
    connection.execute(statement, {"name": name, "value": randomness.token_bytes(KEY_BYTES)})
    made = _find(connection, name)
    assert made is not None
    return made
