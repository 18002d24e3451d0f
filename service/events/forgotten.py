"""Who is forgotten: a keyed hash of the id, so that the list alone names nobody.

It keeps the id out of later events and runs. Whoever has the key can ask whether an id is in the list; that is what it
is for. The database holds both, and an export's folder gets a copy of both, for the pipeline, which does not ask the
database, see `service.events.forgotten_copy`. No SQLAlchemy is imported here: tasks of the pipeline do not have it.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from common.errors import DataError
from service.database.sizes import DIGEST_BYTES, KEY_BYTES

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
        return cls.parse(content_of(folder / KEY_FILE), content_of(folder / LIST_FILE), str(folder))

    @classmethod
    def parse(cls, key: bytes | None, digests: bytes | None, folder: str) -> "Forgotten":
        """Makes the list of the contents of the two files.

        Args:
            key: The content of `KEY_FILE`; None if it is missing.
            digests: The content of `LIST_FILE`; None if it is missing.
            folder: Where they are, for the message.

        Raises:
            DataError: They are damaged, or one of the two files is missing.
        """
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

    @property
    def digest(self) -> str:
        """Differs where the lists differ."""
        return hashlib.blake2b(b"".join(sorted(self._digests)), key=self._key, digest_size=DIGEST_BYTES).hexdigest()

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


def content_of(file: Path) -> bytes | None:
    """The content of a file; None if it is missing."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
