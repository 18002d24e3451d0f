"""Copies that are on the disk when they are said to be, and what to say when the disk does not take them."""

import contextlib
import os
import posixpath
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import tensorflow as tf

from common.errors import OutputError

_BLOCK_BYTES = 1 << 20


@contextlib.contextmanager
def synced(path: Path) -> Iterator[IO[bytes]]:
    """A new local file, on the disk when the block ends: a rename must not be there before what it names is."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Puts a local folder's entries on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_here(source: str, files: Iterable[str], goal: Path) -> None:
    """Copies files to a new local folder.

    Args:
        source: The folder they are in, local or remote.
        files: Their paths below it.
        goal: The folder to make.
    """
    goal.mkdir()
    folders = {goal}
    for file in files:
        copy = goal / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        folders |= {goal / parent for parent in Path(file).parents}
        with tf.io.gfile.GFile(posixpath.join(source, file), "rb") as original, synced(copy) as written:
            shutil.copyfileobj(original, written, _BLOCK_BYTES)
    for folder in folders:
        sync_folder(folder)


def copy_there(source: str, files: Iterable[str], goal: str) -> None:
    """Copies files to a remote folder; see `copy_here`."""
    for file in files:
        copy = posixpath.join(goal, file)
        tf.io.gfile.makedirs(posixpath.dirname(copy))
        tf.io.gfile.copy(posixpath.join(source, file), copy)


def reading(serving_dir: str) -> AbstractContextManager[None]:
    """A block that reads a serving folder, and no more.

    Args:
        serving_dir: The folder, local or remote.

    Raises:
        OutputError: It cannot be read.
    """
    return _explained(
        f"{serving_dir} cannot be read",
        "Look whether it is spelled so, and whether this account may read it: in a bucket, roles/storage.objectViewer.",
    )


def writing(serving_dir: str) -> AbstractContextManager[None]:
    """A block that writes a serving folder.

    Args:
        serving_dir: The folder, local or remote.

    Raises:
        OutputError: It cannot be written; what was live still is.
    """
    return _explained(
        f"{serving_dir}: no version could be written there",
        "What was live still is, and nothing half written is left under a number. Free space on its disk, or unlock "
        "it, and run again.",
    )


@contextlib.contextmanager
def _explained(what: str, to_do: str) -> Iterator[None]:
    """Turns what a file system says into an OutputError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as e:
        reason = e.strerror or e if isinstance(e, OSError) else e.message
        raise OutputError(f"{what} ({reason}). {to_do}") from e
