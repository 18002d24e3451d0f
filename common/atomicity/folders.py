"""Writes and removes folders so that a reader sees the whole folder or none."""

import contextlib
import errno
import logging
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common.atomicity.copying import copy_files, files_below
from common.atomicity.storage import REPLACED, is_local, original, sync, temporary

_LOGGER = logging.getLogger("perennial.files")

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)
"""The errors of a rename to a folder that is not empty."""


@contextlib.contextmanager
def new_folder(path: str | Path, *, commit_file: str | None) -> Iterator[str]:
    """Lets a block fill a folder, and puts the folder in its place when the block has ended.

    If the block fails, nothing is left of the new folder, and an old folder at its place stays. If an upload fails,
    neither folder is left: on an object store the old folder must be deleted before the new one is uploaded. A process
    that is killed between the two renames of a local replacement leaves the old folder beside the goal, with the ending
    `.old`; `sweep` puts it back.

    Args:
        path: Where the folder belongs, local or remote; an existing folder is replaced.
        commit_file: The file of the folder that its readers look for first, relative to the folder; it is uploaded
            last. The block must write it. None is for a folder that is never remote.

    Yields:
        The local folder to fill; it exists and is empty.

    Raises:
        FileNotFoundError: The block has not written the commit file.
        OSError: The folder cannot be written.
        tf.errors.OpError: A remote folder cannot be written.
        ValueError: The folder is remote and has no commit file.
    """
    goal = str(path).rstrip("/")
    if not is_local(goal):
        if commit_file is None:
            raise ValueError(f"{goal}: a folder on an object store needs a commit file.")
        with tempfile.TemporaryDirectory() as unfinished:
            yield unfinished
            _upload(unfinished, _whole(unfinished, commit_file), goal, commit_file)
        return
    os.makedirs(os.path.dirname(goal) or ".", exist_ok=True)
    unfinished = temporary(goal)
    try:
        os.mkdir(unfinished)
        yield unfinished
        if commit_file is not None:
            _whole(unfinished, commit_file)
        _replace(unfinished, goal)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def copy_folder(source: str, goal: str, *, commit_file: str) -> None:
    """Copies a folder, whole or not at all, without its empty folders.

    Args:
        source: The folder, local or remote; nobody may write to it meanwhile.
        goal: The folder to copy to, local or remote; an existing folder is replaced. From bucket to bucket, the bytes
            do not pass through this machine.
        commit_file: See `new_folder`; `source` must hold it.

    Raises:
        FileNotFoundError: `source` has no commit file.
        OSError: The folder cannot be read or written.
        tf.errors.OpError: The same, for a remote folder.
    """
    files = _whole(source, commit_file)
    if is_local(goal):
        with new_folder(goal, commit_file=commit_file) as folder:
            copy_files(source, files, folder)
    else:
        _upload(source, files, goal.rstrip("/"), commit_file)


def put_new(unfinished: str | Path, goal: str | Path) -> bool:
    """Renames a local folder if the new name is free; if several processes want one name, exactly one gets it.

    The name of an empty folder counts as free: the system replaces the empty folder.

    Args:
        unfinished: A folder that is complete and not empty.
        goal: The new name, on the same file system. It is on the disk when this returns.

    Returns:
        Whether the name was free; if not, nothing has changed.

    Raises:
        OSError: The folder cannot be renamed for another reason.
    """
    try:
        os.rename(unfinished, goal)
    except OSError as e:
        if e.errno in _TAKEN:
            return False
        raise
    sync(os.path.dirname(goal) or ".")
    return True


def remove_folder(path: str | Path, commit_file: str, *, leaving: str | Path | None = None) -> None:
    """Removes a folder, so that a reader sees the whole folder or none.

    Args:
        path: The folder, local or remote. A remote one may be missing.
        commit_file: See `new_folder`; in a remote folder, it is deleted first.
        leaving: The name that a local folder has while it is deleted, on the same file system. None: a temporary name
            beside it.

    Raises:
        OSError: The folder cannot be renamed or removed.
        tf.errors.OpError: A remote folder cannot be removed.
    """
    if is_local(path):
        leaving = leaving or temporary(str(path))
        os.rename(path, leaving)
        shutil.rmtree(leaving)
    else:
        _remove_remote(str(path), commit_file)


def sweep(path: str | Path) -> None:
    """Tidies up what killed writers of a local file or folder have left beside it.

    An old folder whose replacement did not arrive gets its name again; everything else is removed.

    Args:
        path: The file or folder. Nobody may be writing it now: hold a lock.

    Raises:
        OSError: A leftover cannot be removed or renamed.
    """
    parent, name = os.path.split(path)
    entries = list(os.scandir(parent or ".")) if os.path.isdir(parent or ".") else []
    left = [entry for entry in entries if original(entry.name) == name]
    if not os.path.exists(path):
        replaced = [entry for entry in left if entry.name.endswith(REPLACED)]
        for newest in sorted(replaced, key=lambda entry: entry.stat().st_ctime_ns)[-1:]:
            os.rename(newest.path, path)
            left.remove(newest)
    for entry in left:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _replace(unfinished: str, goal: str) -> None:
    """Renames a folder to its goal; an old folder stays whole under another name until the new one is in place."""
    replaced, placed = list[str](), False
    try:
        while True:
            try:
                os.rename(unfinished, goal)
                placed = True
                break
            except OSError as e:
                if e.errno not in _TAKEN:
                    raise
            replaced.append(temporary(goal, REPLACED))  # before the rename: an interrupt may come right after it
            with contextlib.suppress(FileNotFoundError):  # another writer has just moved it away
                os.rename(goal, replaced[-1])
    finally:
        # Look at the disk: an interrupt may have come before or after each rename. A goal that was placed and is
        # missing was just moved away by another writer, which puts its own folder there.
        moved = [beside for beside in replaced if os.path.exists(beside)]
        if moved and not placed and not os.path.exists(goal):
            _put_back(moved.pop(), goal)
        for beside in moved:
            _delete(beside)


def _put_back(beside: str, goal: str) -> None:
    """Gives an old folder its name again; if it cannot, it only logs it: the error that is being raised says more."""
    try:
        os.rename(beside, goal)
    except OSError as e:
        _LOGGER.error(
            "%s: the old folder cannot be put back (%s). It is whole: rename %s to %s.", goal, e, beside, goal
        )


def _delete(beside: str) -> None:
    """Deletes a folder that was replaced; if it cannot, it only logs it: the new folder is in place."""
    try:
        shutil.rmtree(beside)
    except OSError as e:
        _LOGGER.warning("%s: this folder was replaced and cannot be deleted (%s). Delete it.", beside, e)


def _upload(source: str, files: list[str], goal: str, commit_file: str) -> None:
    """Follows the protocol of object stores: deletes the old commit file first, uploads the new one last."""
    _remove_remote(goal, commit_file)
    done = False
    try:
        copy_files(source, [file for file in files if file != commit_file], goal)
        copy_files(source, [commit_file], goal)
        done = True
    finally:
        if not done:
            import tensorflow as tf

            with contextlib.suppress(tf.errors.OpError):  # the error that is being raised explains more
                _remove_remote(goal, commit_file)


def _remove_remote(folder: str, commit_file: str) -> None:
    import tensorflow as tf

    with contextlib.suppress(tf.errors.NotFoundError):
        tf.io.gfile.remove(posixpath.join(folder, commit_file))
    with contextlib.suppress(tf.errors.NotFoundError):
        tf.io.gfile.rmtree(folder)


def _whole(folder: str, commit_file: str) -> list[str]:
    """Lists the files of a folder; refuses one without its commit file, which no reader would accept as whole."""
    files = files_below(folder)
    if commit_file not in files:
        raise FileNotFoundError(f"{folder}: the file {commit_file}, which says that the folder is whole, is missing.")
    return files
