"""Files that appear whole or not at all."""

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
def new_file(path: str | Path, *, durable: bool = False, work_dir: str | Path | None = None) -> Iterator[str]:
    """Lets a block write a file, and puts the file in its place when the block has ended.

    If the block fails, nothing is left of the file, and what was at its place before stays.

    Args:
        path: Where the file belongs, local or remote; its folder is made, and a file that is there is replaced.
        durable: Whether a local file must be on the disk when this returns, also after a power failure. A remote one
            always is.
        work_dir: A local folder for the temporary file, on the same file system; it is made if it is missing, and it
            stays. None puts the temporary file beside the goal. Name one where readers take every file of the goal's
            folder. A remote file needs none.

    Yields:
        The local path that the block writes to.

    Raises:
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
        os.replace(unfinished, goal)
        if durable:
            sync(parent or ".")
    finally:
        with contextlib.suppress(OSError):  # gone already, or the error that is on its way says more
            os.unlink(unfinished)


def write_bytes(path: str | Path, content: bytes, *, durable: bool = False, work_dir: str | Path | None = None) -> None:
    """Writes a file of bytes; see `new_file` for arguments and errors."""
    with new_file(path, durable=durable, work_dir=work_dir) as local, open(local, "wb") as file:
        file.write(content)


def write_text(path: str | Path, text: str, *, durable: bool = False, work_dir: str | Path | None = None) -> None:
    """Writes a file of text in UTF-8, its line ends as they are; see `new_file` for arguments and errors."""
    write_bytes(path, text.encode(), durable=durable, work_dir=work_dir)


def write_json(path: str | Path, value: Any) -> None:
    """Writes a JSON document for programs and people: indented by 2, with a line end; see `new_file` for errors.

    Args:
        path: Where the file belongs, local or remote.
        value: JSON values; keys keep their order.

    Raises:
        TypeError: `value` holds something that JSON does not have.
    """
    write_text(path, json.dumps(value, indent=2) + "\n")


def move_file(source: str | Path, goal: str | Path) -> None:
    """Gives a local file another name on the same file system; a file that is there is replaced.

    Args:
        source: The file.
        goal: Its new name, in a folder that is there.

    Raises:
        OSError: It cannot be renamed; it is where it was.
    """
    os.replace(source, goal)
