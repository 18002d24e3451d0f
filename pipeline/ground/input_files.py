"""Finds and opens files for reading: local ones as Python does, others through TFX's file systems.

TFX and TensorFlow are imported for remote files alone: a command that reads local files must not wait for them.
"""

import glob as globs
import os
import sys
import zlib
from typing import IO, Any, cast

_LINE_BYTES = 4096
"""The bytes that are read at once in search of a line end."""


def read_errors() -> tuple[type[Exception], ...]:
    """The errors that are raised while a file is read that is missing, forbidden, truncated or not really compressed.

    TensorFlow's are among them once it is imported; before, nothing can raise them.
    """
    local = (OSError, EOFError, zlib.error)
    if "tensorflow" not in sys.modules:
        return local
    import tensorflow as tf

    return (*local, tf.errors.OpError)


def glob(pattern: str) -> list[str]:
    """Returns the files and folders that a glob matches, sorted by name."""
    if _is_local(pattern):
        return sorted(globs.glob(pattern))
    return sorted(_tfx().glob(pattern))


def is_folder(path: str) -> bool:
    """Whether a path is a folder."""
    return os.path.isdir(path) if _is_local(path) else bool(_tfx().isdir(path))


def size(path: str) -> int:
    """Returns the size of a file in bytes, as it lies there."""
    return os.path.getsize(path) if _is_local(path) else int(_tfx().stat(path).length)


def open_binary(path: str) -> IO[bytes]:
    """Opens a file for reading as bytes."""
    return open(path, "rb") if _is_local(path) else cast(IO[bytes], _ReadableGFile(_tfx().open(path, "rb")))


def _is_local(path: str) -> bool:
    return "://" not in path


def _tfx() -> Any:
    from tfx.dsl.io import fileio

    return fileio


class _ReadableGFile:
    """A TFX file as the binary stream that gzip and pyarrow expect: GFile lacks `closed`, `readable` and `seekable`."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, self._file.read(size) if size is not None and size >= 0 else self._file.read())

    def readline(self) -> bytes:
        """Reads a line with its line end as it is; GFile's own method leaves out carriage returns."""
        begin, line = self.tell(), b""
        while part := self.read(_LINE_BYTES):
            line += part
            end = line.find(b"\n") + 1
            if end:
                self.seek(begin + end)
                return line[:end]
        return line

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset=offset, whence=whence)
        return cast(int, self._file.tell())

    def tell(self) -> int:
        return cast(int, self._file.tell())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing to flush: the file is only read."""

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._file.close()

    def __enter__(self) -> "_ReadableGFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
