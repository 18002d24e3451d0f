"""Turns failed reads and writes of a serving folder into errors that say what to do."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import tensorflow as tf

from common.errors import OutputError


def reading(serving_dir: str) -> AbstractContextManager[None]:
    """Wraps a block that only reads a serving folder.

    Args:
        serving_dir: The folder, local or remote.

    Raises:
        OutputError: The folder cannot be read.
    """
    return _explained(
        f"{serving_dir} cannot be read",
        "Check the spelling, and that this account may read it (in a bucket: roles/storage.objectViewer).",
    )


def writing(serving_dir: str) -> AbstractContextManager[None]:
    """Wraps a block that writes a serving folder.

    Args:
        serving_dir: The folder, local or remote.

    Raises:
        OutputError: The folder cannot be written; the live version stays live.
    """
    return _explained(
        f"{serving_dir}: no version could be written there",
        "The live version stays live, and no unfinished version is left under a number. Free disk space or make the "
        "folder writable, and run again.",
    )


@contextlib.contextmanager
def _explained(what: str, to_do: str) -> Iterator[None]:
    """Turns a file system's error into an OutputError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as e:
        reason = e.strerror or e if isinstance(e, OSError) else e.message
        raise OutputError(f"{what} ({reason}). {to_do}") from e
