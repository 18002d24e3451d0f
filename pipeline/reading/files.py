"""Lists and reads input files through TFX's file systems."""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import tensorflow as tf
from tfx.dsl.io import fileio

BLOCK_BYTES = 32 << 20
"""A block of text that is parsed in one piece: large enough that the cost of Arrow's threads and of a Beam element does
not matter (measured: no gain above 16 MiB), small enough that a worker can hold several."""

READ_ERRORS = (OSError, EOFError, zlib.error, tf.errors.OpError)
"""Raised while a file is read that is missing, forbidden, truncated or not really compressed."""


@dataclass(frozen=True)
class InputFile:
    """One file of the input."""

    index: int
    """Its number among all input files, sorted by name, from 0; rows are ordered by it."""

    path: str
    split: str
    """Name of the input split that it belongs to."""

    bytes: int
    """Its size on disk, so the compressed size for a compressed file."""

    @property
    def compressed(self) -> bool:
        """Whether it is decompressed when it is read; its ending decides."""
        return self.path.endswith(".gz")


def list_files(base: str, patterns: dict[str, str]) -> list[InputFile]:
    """Lists the files that globs match. It uses TFX's glob, so that they are the files that the driver fingerprinted.

    Args:
        base: Folder that the patterns start at.
        patterns: Input split to glob.

    Returns:
        Files, without folders, sorted by split in the given order, then by name.
    """
    found = [
        (path, split)
        for split, pattern in patterns.items()
        for path in sorted(fileio.glob(os.path.join(base, pattern)))
        if not fileio.isdir(path)
    ]
    return [InputFile(i, path, split, int(fileio.stat(path).length)) for i, (path, split) in enumerate(found)]


def open_binary(file: InputFile) -> IO[bytes]:
    """Opens a file for reading as bytes; a file whose name ends in `.gz` is decompressed."""
    raw = cast(IO[bytes], _ReadableGFile(file.path))
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if file.compressed else raw


def read_blocks(file: InputFile, start: int, end: int | None, at_line: bool) -> Iterator[tuple[int, bytes]]:
    """Reads the lines that start in a byte range, in blocks that end at line ends.

    Args:
        file: The file.
        start: First byte; a line that began before it belongs to the previous range.
        end: Byte after the last; None reads to the end, which is the only way to read a compressed file.
        at_line: Whether `start` is known to be the first byte of a line.

    Yields:
        Offset of a block in the (decompressed) file, and its bytes. Only the file's last line may lack its end.

    Raises:
        OSError, EOFError, zlib.error, tf.errors.OpError: The file cannot be read.
    """
    with open_binary(file) as stream:
        position = start
        if at_line:
            stream.seek(start)
        else:
            # The range starts with a whole line exactly if the byte before it ends a line.
            stream.seek(start - 1)
            position = start - 1 + len(stream.readline())
        while end is None or position < end:
            wanted = BLOCK_BYTES if end is None else min(BLOCK_BYTES, end - position)
            block = stream.read(wanted)
            if not block:
                return
            if not block.endswith(b"\n"):
                block += stream.readline()
            yield position, block
            position += len(block)


class _ReadableGFile:
    """A TFX file as the binary stream that gzip and pyarrow expect: GFile lacks `closed`, `readable` and `seekable`."""

    def __init__(self, path: str) -> None:
        self._file: Any = fileio.open(path, "rb")
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, self._file.read(size) if size is not None and size >= 0 else self._file.read())

    def readline(self) -> bytes:
        return cast(bytes, self._file.readline())

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
