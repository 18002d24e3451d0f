"""Who is forgotten: a keyed hash of the id, so that the list alone names nobody.

It keeps the id out of later events and runs. Whoever has the key can ask whether an id is in the list; that is what it
is for. The database holds both, and an export's folder gets a copy of both, for the pipeline, which does not ask the
database.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection, select

from common.atomicity import new_file, write_bytes
from common.errors import DataError
from service.database.database import Database
from service.database.secrets import KEY_BYTES, secret
from service.database.tables import DIGEST_BYTES, forgotten

KEY_FILE, LIST_FILE = "forgotten.key", "forgotten.bin"
"""The key, and the sorted hashes one after the other, 16 bytes each."""


class Forgotten:
    """A list of forgotten users."""

    def __init__(self, key: bytes, digests: frozenset[bytes]) -> None:
        """Args: key: Of the hashes. digests: The hashes."""
        self._key = key
        self._digests = digests

    @classmethod
    def read(cls, folder: Path) -> "Forgotten":
        """Reads the copy in an export's folder; without one, nobody is forgotten.

        Args:
            folder: The folder.

        Raises:
            DataError: The copy is damaged, or one of the two files is missing.
            OSError: A file cannot be read.
        """
        key, digests = (_content(folder / name) for name in (KEY_FILE, LIST_FILE))
        if key is None and digests is None:
            return cls(b"", frozenset())
        if key is None or digests is None or len(key) != KEY_BYTES or len(digests) % DIGEST_BYTES:
            raise DataError(
                f"{folder}: {KEY_FILE} and {LIST_FILE} do not fit together, so it is not known who is forgotten. "
                "Run `perennial events export`, which writes both again."
            )
        places = range(0, len(digests), DIGEST_BYTES)
        return cls(key, frozenset(digests[place : place + DIGEST_BYTES] for place in places))

    def __len__(self) -> int:
        return len(self._digests)

    def mask(self, users: Any) -> npt.NDArray[np.bool_]:
        """Tells which of many ids are forgotten.

        Args:
            users: pyarrow string array or chunked array, [n], without nulls. Each id is hashed once, about a
                microsecond.

        Returns:
            [n] bool.
        """
        if not self._digests or not len(users):
            return np.zeros(len(users), bool)
        if isinstance(users, pa.ChunkedArray):
            users = users.combine_chunks()
            users = users if isinstance(users, pa.Array) else pa.concat_arrays(users.chunks)
        coded = users.dictionary_encode()
        known = (digest(self._key, user) in self._digests for user in coded.dictionary.to_pylist())
        return np.fromiter(known, bool, len(coded.dictionary))[coded.indices.to_numpy()]


def digest(key: bytes, user: str) -> bytes:
    """The hash of a user's id: BLAKE2b, keyed, of 16 bytes."""
    return hashlib.blake2b(user.encode(), key=key, digest_size=DIGEST_BYTES).digest()


def forgotten_key(database: Database) -> bytes:
    """The key of the hashes.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    return secret(database, "forgotten")


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
    if _content(folder / KEY_FILE) != key:
        with new_file(folder / KEY_FILE, durable=True) as unfinished:
            Path(unfinished).touch(mode=0o600)
            Path(unfinished).write_bytes(key)
    if _content(folder / LIST_FILE) != digests:
        write_bytes(folder / LIST_FILE, digests, durable=True)


def _digests(connection: Connection) -> bytes:
    return b"".join(sorted(bytes(value) for value in connection.execute(select(forgotten.c.digest)).scalars()))


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
