"""An artifact's folder that holds everything or nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tfx.dsl.io import fileio

from pipeline.ground import tabular_files as files


@contextmanager
def all_or_nothing(uri: str) -> Iterator[None]:
    """Empties an artifact's folder if its block fails, and clears away temporary files if it does not.

    Args:
        uri: The artifact's folder.

    Raises:
        OutputError: The folder cannot be written; found out before the work, not after.
    """
    probe = os.path.join(uri, "probe")
    files.write_bytes(probe, b"", uri)
    fileio.remove(probe)
    done = False
    try:
        yield
        done = True
    finally:
        files.clear(uri, keep_files=done)
