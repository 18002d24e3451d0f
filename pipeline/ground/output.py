"""Writes an artifact's folder and the files in it so that the folder holds everything or nothing.

TFX reads every file in a split's folder. So temporary files are written to a separate folder.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
from tfx.dsl.io import fileio

from common import atomicity
from common.errors import OutputError

_WORK_DIR = ".work"


@contextmanager
def all_or_nothing(uri: str) -> Iterator[None]:
    """Empties an artifact's folder if the block fails, and removes only temporary files if the block succeeds.

    Args:
        uri: The artifact's folder.

    Raises:
        OutputError: The folder cannot be written; this is checked before the work, not after.
    """
    probe = os.path.join(uri, "probe")
    write_bytes(probe, b"", uri)
    fileio.remove(probe)
    done = False
    try:
        yield
        done = True
    finally:
        _clear(uri, keep_files=done)


@contextmanager
def new_file(path: str, uri: str) -> Iterator[str]:
    """Lets a block write a file of an artifact, which then appears whole or not at all.

    Args:
        path: Where the file belongs.
        uri: The artifact's folder.

    Yields:
        The local path that the block writes to.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        with atomicity.new_file(path, work_dir=os.path.join(uri, _WORK_DIR)) as unfinished:
            yield unfinished
    except (OSError, tf.errors.OpError) as e:
        raise OutputError(
            f"{path}: cannot be written ({e}). Free disk space, make the folder writable, or choose another one."
        ) from e


def write_bytes(path: str, content: bytes, uri: str) -> None:
    """Writes a file of an artifact; see `new_file`."""
    with new_file(path, uri) as unfinished, open(unfinished, "wb") as file:
        file.write(content)


def _clear(uri: str, keep_files: bool) -> None:
    """Removes the temporary files in an artifact's folder, or all files in it; the folder itself stays."""
    if not fileio.exists(uri):
        return
    for name in fileio.listdir(uri):
        path = os.path.join(uri, name.rstrip("/"))
        if keep_files and os.path.basename(path) != _WORK_DIR:
            continue
        if fileio.isdir(path):
            fileio.rmtree(path)
        else:
            fileio.remove(path)
