"""Keeps the finished parts of an output beside it until it is complete, so that a run can go on where one has ended."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from common.atomicity import new_file
from common.errors import LockedError, OutputError
from documents.document import Document

_LOCK = "lock"


class Made(Document):
    """What the parts are of. Parts of anything else are of no use."""

    FILE: ClassVar[str] = "parts.json"
    TO_DO: ClassVar[str] = "Delete the folder that holds it: the parts are then made again."

    what: str
    """What is computed."""

    version: int
    source: str
    """Digest of the version's files: a user who was taken out of its histories changes it."""

    k: int
    users: str | None = None
    """Which users: `all`, or the digest of a file."""

    forgotten: str | None = None
    """Digest of the list of forgotten users: a user who is forgotten since changes it."""


class Parts:
    """The parts of one output; `held` gives them."""

    def __init__(self, folder: Path) -> None:
        """Names the folder."""
        self.folder = folder

    @property
    def snapshot(self) -> Path:
        """The folder of the version's snapshot, which goes with the parts."""
        return self.folder / "snapshot"

    def begin(self, made: Made) -> None:
        """Keeps the parts of the same, and throws away those of anything else.

        Raises:
            OSError: The folder cannot be written.
        """
        try:
            found = Made.find(self.folder)
        except OutputError:  # damaged, or of another release
            found = None
        if found == made:
            return
        for path in self.folder.iterdir():
            if path.is_dir() and path == self.snapshot:
                shutil.rmtree(path)
            elif path.is_file() and path.name != _LOCK:
                path.unlink()
        made.write(self.folder)

    def has(self, number: int) -> bool:
        """Whether a part is finished."""
        return self._path(number).exists()

    def write(self, number: int, table: pa.Table) -> None:
        """Writes a part, whole or not at all."""
        with new_file(self._path(number)) as path:
            pq.write_table(table, path)

    def read(self, count: int) -> Iterator[pa.Table]:
        """Reads the first parts, one after the other."""
        for number in range(count):
            yield pq.read_table(self._path(number))

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.parquet"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Parts]:
    """Holds the folder of an output's parts for this process.

    The folder goes with the end of the block, unless that fails after parts were begun.

    Args:
        folder: The folder; it is made.

    Raises:
        LockedError: Another process holds it.
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as e:
        raise OutputError(
            f"{folder}: the parts of the output cannot be kept here ({e}). Choose another --output."
        ) from e
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise LockedError(f"{folder}: another process is making this output. Wait for it, or end it.") from e
        is_complete = False
        try:
            yield Parts(folder)
            is_complete = True
        finally:
            if is_complete or not (folder / Made.FILE).exists():  # nothing was begun
                shutil.rmtree(folder)
    finally:
        os.close(lock)
