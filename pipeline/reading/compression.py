"""Decompresses files while they are read. The ending of a file's name says how it is compressed."""

import gzip
import io
from collections.abc import Callable
from typing import IO, Any, cast

import pyarrow as pa

_READ_AHEAD_BYTES = 1 << 20
"""The decompressed bytes that are kept for short reads, such as those of single lines."""


def _gunzip(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))


def _unzstd(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(_Zstandard(raw), _READ_AHEAD_BYTES))


OPENERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {".gz": _gunzip, ".zst": _unzstd}
"""Ending of a file's name to what makes a stream of decompressed bytes of its stream."""


def ending(path: str) -> str | None:
    """Returns the ending that says how a file is compressed; None for a file that is not."""
    return next((ending for ending in OPENERS if path.endswith(ending)), None)


class _Zstandard(io.RawIOBase):
    """The decompressed bytes of a Zstandard stream of one frame or more. Arrow finds a frame that is cut or damaged."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._stream.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
