"""Writes files that appear whole or not at all."""

import contextlib
import json
import os
import posixpath
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.atomicity.copying import copy_files
from common.atomicity.storage import is_local, sync, temporary


@contextlib.contextmanager
def new_file(
    path: str | Path, *, durable: bool = False, work_dir: str | Path | None = None, replace: bool = True
) -> Iterator[str]:
    """Lets a block write a file, and puts the file in its place when the block has ended.

    If the block fails, nothing is left of the new file, and an old file at its place stays.

    Args:
        path: Where the file belongs, local or remote; its folder is made.
        durable: Whether a local file must be on the disk when this returns, also after a power failure. A remote file
            always is.
        work_dir: A local folder for the temporary file, on the same file system; it is made if it is missing, and it
            stays. None puts the temporary file beside the goal. Name a folder where readers read every file of the
            goal's folder. A remote file needs none.
        replace: Whether an existing file is replaced. False needs a local path and a file system with hard links.

    Yields:
        The local path that the block writes to.

    Raises:
        FileExistsError: There is such a file, and `replace` is False.
        OSError: The file cannot be written.
        tf.errors.OpError: A remote file cannot be written.
    """
    goal = str(path)
    if not is_local(goal):
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, posixpath.basename(goal))
            yield local
            copy_files(folder, [posixpath.basename(goal)], posixpath.dirname(goal))
        return
    parent, name = os.path.split(goal)
    folder = str(work_dir or parent or ".")
    os.makedirs(folder, exist_ok=True)
    unfinished = temporary(os.path.join(folder, name))
    try:
        yield unfinished
        if durable:
            sync(unfinished)
        os.makedirs(parent or ".", exist_ok=True)
        if replace:
            os.replace(unfinished, goal)
        else:
            os.link(unfinished, goal)
        if durable:
            sync(parent or ".")
    finally:
        with contextlib.suppress(OSError):  # the file is gone already, or an error is being raised that explains more
            os.unlink(unfinished)


def write_bytes(path: str | Path, content: bytes, *, durable: bool = False, work_dir: str | Path | None = None) -> None:
    """Writes a file of bytes; see `new_file` for arguments and errors."""
    with new_file(path, durable=durable, work_dir=work_dir) as local, open(local, "wb") as file:
        file.write(content)


def write_text(path: str | Path, text: str, *, durable: bool = False, work_dir: str | Path | None = None) -> None:
    """Writes a text file in UTF-8 without changing line ends; see `new_file` for arguments and errors."""
    write_bytes(path, text.encode(), durable=durable, work_dir=work_dir)


def write_json(path: str | Path, value: Any) -> None:
    """Writes a JSON file indented by 2 spaces, with a line end; see `new_file` for errors.

    Args:
        path: Where the file belongs, local or remote.
        value: JSON values; keys keep their order.

    Raises:
        TypeError: `value` holds something that JSON cannot represent.
    """
    write_text(path, json.dumps(value, indent=2) + "\n")


def move_file(source: str | Path, goal: str | Path) -> None:
    """Renames a local file on the same file system; an existing file is replaced.

    Args:
        source: The file.
        goal: Its new name, in an existing folder.

    Raises:
        OSError: The file cannot be renamed; it is where it was.
    """
    os.replace(source, goal)
