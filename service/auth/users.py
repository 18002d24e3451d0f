"""Users of the API: in a mounted file, or in the database."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import delete, select

from service.auth.passwords import check_hash
from service.auth.scopes import Scope, scopes_of
from service.auth.watched_file import WatchedFile
from service.database.columns import is_storable
from service.database.database import Database
from service.database.inserts import insert_or_replace
from service.database.tables import MAX_NAME_BYTES, api_users


@dataclass(frozen=True)
class User:
    """A user of the API."""

    name: str = field(repr=False)
    """The name, which is compared by its bytes."""

    hash: str = field(repr=False)
    """The argon2id hash of the password."""

    scopes: frozenset[Scope]
    """What the user may do."""


class Users(Protocol):
    """Where users are. Safe to use from many threads."""

    def find(self, name: str) -> User | None:
        """Finds a user.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        ...

    def any_hash(self) -> str | None:
        """The hash of some user, for how long it takes to verify it; None: like a new one."""
        ...


class FileUsers:
    """The users of a file, see `configs.service.auth`."""

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Raises:
            ConfigError: It cannot be read or used.
        """
        self.file: WatchedFile[dict[str, User]] = WatchedFile(path, _parse)

    def find(self, name: str) -> User | None:
        """Finds a user in today's file."""
        return self.file.get().get(name)

    def any_hash(self) -> str | None:
        """The hash of the first user."""
        return next((user.hash for user in self.file.get().values()), None)


class DatabaseUsers:
    """The users of the database."""

    def __init__(self, database: Database) -> None:
        """Args: database: With its tables."""
        self._database = database

    def find(self, name: str) -> User | None:
        """Finds a user."""
        if not is_storable(name, MAX_NAME_BYTES):
            return None
        rows = self._database.rows(select(api_users).where(api_users.c.name == name))
        return _user(rows[0].name, rows[0].hash, rows[0].scopes) if rows else None

    def any_hash(self) -> str | None:
        """None: what is put into the database is hashed by `hash_password`, with today's parameters."""
        return None

    def names(self) -> list[tuple[str, frozenset[Scope]]]:
        """Names and scopes of all users, by name."""
        rows = self._database.rows(select(api_users.c.name, api_users.c.scopes).order_by(api_users.c.name))
        return [(row.name, scopes_of(row.scopes.split())) for row in rows]

    def put(self, user: User) -> None:
        """Stores a user; one of this name is replaced.

        Raises:
            ValueError: The name is empty or too long.
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        _check_name(user.name)
        row = {"name": user.name, "hash": check_hash(user.hash), "scopes": " ".join(sorted(user.scopes))}
        self._database.change(insert_or_replace(self._database.engine.dialect, api_users), [row])

    def remove(self, name: str) -> bool:
        """Removes a user; tells whether there was one."""
        return bool(self._database.change(delete(api_users).where(api_users.c.name == name)))


def _user(name: str, hashed: str, scopes: str) -> User:
    return User(name, hashed, scopes_of(scopes.split()))


def _parse(values: object) -> dict[str, User]:
    if not isinstance(values, dict) or not values:
        raise ValueError("must be a mapping of at least one user's name to `hash` and `scopes`.")
    users = {}
    # Named by their place in the file: a name does not belong in a log.
    for place, (name, entry) in enumerate(values.items(), 1):
        try:
            if not isinstance(entry, dict) or set(entry) != {"hash", "scopes"}:
                raise ValueError("must have `hash` and `scopes` and nothing else.")
            _check_name(name)
            users[name] = User(name, check_hash(entry["hash"]), scopes_of(entry["scopes"]))
        except ValueError as e:
            raise ValueError(f"user {place}: {e}") from None
    return users


def _check_name(name: str) -> None:
    if not name or not is_storable(name, MAX_NAME_BYTES):
        raise ValueError(f"a name must have 1 to {MAX_NAME_BYTES} bytes of UTF-8, and no NUL character.")
