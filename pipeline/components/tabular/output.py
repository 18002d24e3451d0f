"""An artifact's folder that holds everything or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
from tfx.dsl.io import fileio

from configs.errors import OutputError
from pipeline.components.tabular import files


@contextmanager
def all_or_nothing(uri: str) -> Iterator[None]:
    """Empties an artifact's folder if its block fails, and clears away temporary files if it does not.

    Args:
        uri: The artifact's folder.

    Raises:
        OutputError: The folder cannot be written; found out before the work, not after.
    """
    try:
        fileio.makedirs(uri)
        files.write_bytes(f"{uri}/probe", b"", uri)
        fileio.remove(f"{uri}/probe")
    except (OSError, tf.errors.OpError) as e:
        raise OutputError(f"{uri}: cannot be written ({e}). Free or unlock the folder, or choose another one.") from e
    done = False
    try:
        yield
        done = True
    finally:
        files.clear(uri, keep_files=done)
