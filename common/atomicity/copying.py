"""Copies files from one storage to another. A copy is not atomic by itself; the atomic writers are built on it."""

import os
import posixpath
import shutil
from collections.abc import Iterable
from pathlib import Path

from common.atomicity.storage import is_local, sync


def copy_files(source: str, files: Iterable[str], goal: str, *, durable: bool = False) -> None:
    """Copies files from folder to folder, one after the other; existing files are replaced.

    Args:
        source: The folder that holds the files, local or remote.
        files: Their paths below it; they are copied in this order.
        goal: The folder to copy them to, local or remote; it is made if it is missing.
        durable: Whether local copies, and their names in their folders, must be on the disk when this returns. Remote
            copies always are.

    Raises:
        OSError: A file cannot be read or written.
        tf.errors.OpError: A remote file cannot be read or written.
    """
    files, durable = list(files), durable and is_local(goal)
    below = {parent.as_posix() for file in files for parent in Path(file).parents if parent.name}
    folders = [goal, *(posixpath.join(goal, parent) for parent in sorted(below))]
    for folder in folders:
        _make_folder(folder)
    for file in files:
        copy = posixpath.join(goal, file)
        _copy_file(posixpath.join(source, file), copy)
        if durable:
            sync(copy)
    for folder in folders if durable else ():
        sync(folder)


def files_below(folder: str) -> list[str]:
    """Returns the paths of all files below a folder, relative to it, sorted.

    Args:
        folder: Local or remote.

    Raises:
        OSError: The folder is missing, or it or a folder in it cannot be read.
        tf.errors.OpError: The same, for a remote folder.
    """
    root = folder.rstrip("/")
    return sorted(posixpath.join(parent, file)[len(root) + 1 :] for parent, files in _walk(root) for file in files)


def _walk(root: str) -> Iterable[tuple[str, list[str]]]:
    if is_local(root):
        # Without onerror, a folder that cannot be read would count as an empty one.
        return ((parent, files) for parent, _, files in os.walk(root, onerror=_raise, followlinks=True))
    import tensorflow as tf

    return ((parent, files) for parent, _, files in tf.io.gfile.walk(root, onerror=_raise))


def _raise(error: Exception) -> None:
    raise error


def _copy_file(original: str, copy: str) -> None:
    if is_local(original) and is_local(copy):
        shutil.copyfile(original, copy)
    else:
        import tensorflow as tf

        tf.io.gfile.copy(original, copy, overwrite=True)


def _make_folder(folder: str) -> None:
    if is_local(folder):
        os.makedirs(folder, exist_ok=True)
    else:
        import tensorflow as tf

        tf.io.gfile.makedirs(folder)
