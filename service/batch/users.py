"""Names the users of a batch, in parts of fixed size and in an order that never changes."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from common.errors import DataError, ModelError
from service.snapshot.snapshot import Snapshot

PART_USERS = 10_000
"""Users of a part: some seconds of work, which is what an interruption costs, and some megabytes in memory."""

_MAX_BYTES = 512
"""Of an id, as in a query of the API."""


class Users(Protocol):
    """Some users.

    Attributes:
        digest: Differs where the users differ.
    """

    digest: str

    def count(self, snapshot: Snapshot) -> int:
        """How many there are."""
        ...

    def parts(self, snapshot: Snapshot) -> Iterator[list[str]]:
        """Their ids; each part but the last one has `PART_USERS`."""
        ...


class AllUsers:
    """The users of the version's histories, by the bytes of their ids."""

    digest = "all"

    def count(self, snapshot: Snapshot) -> int:
        """How many the version has.

        Raises:
            ModelError: The version brings no histories.
        """
        if snapshot.document.users is None:
            raise ModelError(
                "the version brings no histories, so nothing says who its users are. Name a file of users, or set "
                "service.max_history and run again."
            )
        return snapshot.document.users

    def parts(self, snapshot: Snapshot) -> Iterator[list[str]]:
        """See `Users`."""
        for start in range(0, self.count(snapshot), PART_USERS):
            yield snapshot.users(start, PART_USERS)


class FileUsers:
    """The users of a file: one id a line, in UTF-8. Empty lines are no users; who stands there twice comes twice."""

    def __init__(self, path: Path) -> None:
        """Reads the file once.

        Raises:
            DataError: It cannot be read, is not UTF-8, or has a line that is no id.
        """
        self._path = path
        digest, self._count = hashlib.sha256(), 0
        for user_id in self._ids():
            digest.update(b"%d " % len(user_id.encode()) + user_id.encode())
            self._count += 1
        self.digest = digest.hexdigest()

    def count(self, snapshot: Snapshot) -> int:
        """How many ids the file has."""
        return self._count

    def parts(self, snapshot: Snapshot) -> Iterator[list[str]]:
        """See `Users`."""
        ids = self._ids()
        while part := list(itertools.islice(ids, PART_USERS)):
            yield part

    def _ids(self) -> Iterator[str]:
        try:
            with self._path.open("rb") as file:
                # A line is bounded while it is read: a file without line ends must not be one id.
                for number in itertools.count(1):
                    line = file.readline(_MAX_BYTES + 3)
                    if not line:
                        return
                    text = line.rstrip(b"\r\n")
                    if len(text) > _MAX_BYTES:
                        raise DataError(f"{self._path}, line {number}: an id has at most {_MAX_BYTES} bytes.")
                    if text:
                        yield text.decode()
        except OSError as e:
            raise DataError(f"{self._path}: cannot be read ({e}). Name a file with one user id a line.") from e
        except UnicodeDecodeError as e:
            raise DataError(f"{self._path}, line {number}: is not UTF-8.") from e


def users_of(named: str) -> Users:
    """Reads `--users`: `all`, or the name of a file (`./all` for a file of that name).

    Raises:
        DataError: See `FileUsers`.
    """
    return AllUsers() if named == AllUsers.digest else FileUsers(Path(named))
