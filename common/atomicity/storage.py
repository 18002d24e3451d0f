"""What both protocols share: the storage that a path belongs to, temporary names, and syncing to the disk."""

import os
import re
import uuid
from pathlib import Path

UNFINISHED, REPLACED = ".tmp", ".old"
"""Endings of temporary names: of what is being written or removed, and of an old folder while a new one replaces it."""


def is_local(path: str | Path) -> bool:
    """Whether a path is on this machine's file system, which can rename."""
    return "://" not in str(path)


def temporary(path: str, ending: str = UNFINISHED) -> str:
    """Returns a hidden name beside a path, on the same file system, that no other process or thread uses.

    Args:
        path: The path that the temporary file or folder will have, or had. `original` returns its name.
        ending: One of the two above.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex}{ending}")


def original(candidate: str) -> str | None:
    """Returns the name of the file or folder that `candidate` is a temporary name of; None if it is no such name."""
    match = re.fullmatch(rf"\.(.+)\.[0-9a-f]{{32}}(?:{UNFINISHED}|{REPLACED})", candidate, re.DOTALL)
    return None if match is None else match[1]


def sync(path: str | Path) -> None:
    """Returns when a local file's bytes, or a local folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
