"""What both protocols stand on: which storage a path is of, temporary names, and when bytes are on the disk."""

import os
import re
import uuid
from pathlib import Path

UNFINISHED, REPLACED = ".tmp", ".old"
"""Endings of temporary names: of what is being written, and of a folder that has just been replaced."""


def is_local(path: str | Path) -> bool:
    """Whether a path is one of this machine's file system, which can rename."""
    return "://" not in str(path)


def temporary(path: str, ending: str = UNFINISHED) -> str:
    """A hidden name beside a path, on the same file system, that no other process or thread uses.

    Args:
        path: What the temporary file or folder will become, or was.
        ending: One of the two above.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex}{ending}")


def is_temporary(candidate: str, name: str) -> bool:
    """Whether a name is a temporary one of a file or folder; that of `a.b` is none of `a`."""
    return re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{32}}({UNFINISHED}|{REPLACED})", candidate) is not None


def sync(path: str | Path) -> None:
    """Returns when a local file's bytes, or a local folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
