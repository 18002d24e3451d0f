"""What both protocols share: the storage that a path belongs to, temporary names, and syncing to the disk."""

import os
import re
import uuid
from pathlib import Path

UNFINISHED, REPLACED = ".tmp", ".old"
"""Endings of temporary names: for a file or folder that is being written, and for a folder that has been replaced."""


def is_local(path: str | Path) -> bool:
    """Whether a path is on this machine's file system, which can rename."""
    return "://" not in str(path)


def temporary(path: str, ending: str = UNFINISHED) -> str:
    """Returns a hidden name beside a path, on the same file system, that no other process or thread uses.

    Args:
        path: The path that the temporary file or folder will have, or had.
        ending: One of the two above.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex}{ending}")


def is_temporary(candidate: str, name: str) -> bool:
    """Whether `candidate` is a temporary name of the file or folder `name`; one of `a.b` is not one of `a`."""
    return re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{32}}({UNFINISHED}|{REPLACED})", candidate) is not None


def sync(path: str | Path) -> None:
    """Returns when a local file's bytes, or a local folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
