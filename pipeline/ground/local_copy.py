"""Makes a file of any storage readable for libraries that know local paths alone, such as Arrow's Parquet reader."""

import os
import posixpath
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from common.atomicity import copy_files, is_local


@contextmanager
def local_copy(path: str) -> Iterator[str]:
    """Yields the path of a file, or that of a temporary copy if it is remote.

    Args:
        path: The file, local or remote.

    Raises:
        tf.errors.OpError: A remote file cannot be read.
        OSError: There is no room for its copy.
    """
    if is_local(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy_files(posixpath.dirname(path), [posixpath.basename(path)], folder)
        yield os.path.join(folder, posixpath.basename(path))
