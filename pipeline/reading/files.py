"""Lists and reads the input files of the two ExampleGens."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from common.errors import DataError
from pipeline.ground import input_files
from pipeline.reading import bad_rows, compression, partitions
from pipeline.reading.quotes import WINDOW_BYTES, Quotes

BLOCK_BYTES = 32 << 20
"""A block of text that is parsed in one piece: large enough that the cost of Arrow's threads and of a Beam element does
not matter (measured: no gain above 16 MiB), small enough that a worker can hold several."""

MAX_ROW_BYTES = 64 << 20
"""The longest row where quoted texts may hold any number of line ends; it bounds the memory of a worker."""


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
        return compression.ending(self.path) is not None

    @property
    def folders(self) -> dict[str, str | None]:
        """The columns that folders of its path name, such as `dt=2026-11-29`, with their value."""
        return partitions.columns_of(self.path)


def list_files(base: str, patterns: dict[str, str]) -> list[InputFile]:
    """Lists the files that globs match: the files that the driver has fingerprinted.

    Args:
        base: Folder that the patterns start at.
        patterns: Input split to glob.

    Returns:
        Files, without folders, sorted by split in the given order, then by name. Files and folders whose names begin
        with `_` or `.`, such as Spark's `_SUCCESS`, are no data, unless the name in the glob begins so.
    """
    found = [
        (path, split)
        for split, pattern in patterns.items()
        for path in input_files.glob(os.path.join(base, pattern))
        if not input_files.is_folder(path) and _is_data(path, pattern)
    ]
    return [InputFile(i, path, split, input_files.size(path)) for i, (path, split) in enumerate(found)]


def require_match(glob: str) -> None:
    """Checks that a glob matches something.

    Raises:
        DataError: It matches no file.
    """
    found = input_files.glob(glob)
    if not found:
        raise DataError(f"{glob}: no file matches. Check the config's path, which starts at the YAML's folder.")
    if all(input_files.is_folder(path) for path in found):
        raise DataError(f"{glob}: is a folder, not a file. Name the files in it, such as {glob.rstrip('/')}/*.csv.")


def _is_data(path: str, pattern: str) -> bool:
    wanted = pattern.split("/")
    names = path.split("/")[-len(wanted) :]
    return all(_is_plain(name) or not _is_plain(part) for name, part in zip(names, wanted, strict=True))


def _is_plain(name: str) -> bool:
    return not name.startswith(("_", "."))


def open_binary(file: InputFile) -> IO[bytes]:
    """Opens a file for reading as bytes; a compressed file is decompressed, and can then be read forward only."""
    raw = input_files.open_binary(file.path)
    ending = compression.ending(file.path)
    return raw if ending is None else compression.OPENERS[ending](raw)


def _go_to(stream: IO[bytes], start: int, file: InputFile) -> None:
    """Moves a stream that was just opened."""
    if file.compressed:
        stream.read(start)
    else:
        stream.seek(start)


def read_blocks(
    file: InputFile, start: int, end: int | None, at_row: bool, quotes: Quotes | None = None
) -> Iterator[tuple[int, bytes]]:
    """Reads the rows that start in a byte range, in blocks that end where rows end.

    Args:
        file: The file.
        start: First byte; a row that began before it belongs to the previous range.
        end: Byte after the last; None reads to the end, which is the only way to read a compressed file.
        at_row: Whether `start` is known to be the first byte of a row.
        quotes: The quotes of the format. None: a line end always ends a row.

    Yields:
        Offset of a block in the (decompressed) file, and its bytes. Only the file's last row may lack its line end.

    Raises:
        Those of `input_files.read_errors`: the file cannot be read.
    """
    with open_binary(file) as stream:
        position = start
        if at_row:
            _go_to(stream, start, file)
        else:
            # The range starts with a whole line exactly if the byte before it ends a line.
            stream.seek(start - 1)
            position = start - 1 + len(stream.readline())
            if quotes is not None:
                position += len(_rest_of_row(stream, position, quotes))
        while end is None or position < end:
            wanted = BLOCK_BYTES if end is None else min(BLOCK_BYTES, end - position)
            block = stream.read(wanted)
            if not block:
                return
            if not block.endswith(b"\n"):
                block += stream.readline()
            if quotes is not None and file.compressed:
                window = block[-WINDOW_BYTES:]
                if len(window) < len(block):
                    window = window[window.find(b"\n") + 1 :]
                block += quotes.rest(window, stream.readline)[0]
            elif quotes is not None:
                block += _rest_of_row(stream, position + len(block), quotes)
            yield position, block
            position += len(block)


def _rest_of_row(stream: IO[bytes], position: int, quotes: Quotes) -> bytes:
    """Reads the rest of a row if a quote is open at a line end, and moves the stream after it.

    Two workers that read the ranges before and after the place find the same, because they look at the same bytes.
    """
    begin = max(0, position - WINDOW_BYTES)
    stream.seek(begin)
    window = stream.read(position - begin)
    if begin:
        window = window[window.find(b"\n") + 1 :]
    lines, is_complete = quotes.rest(window, stream.readline)
    rest = lines if is_complete else b""
    stream.seek(position + len(rest))
    return rest


def read_rows(file: InputFile, start: int, quotes: Quotes) -> Iterator[tuple[int, bytes]]:
    """Reads a file from a row's start to the end, in blocks that end where rows end, however long a quoted text is.

    Args:
        file: The file.
        start: The first byte of the first row.
        quotes: The quotes of the format.

    Yields:
        As for `read_blocks`.

    Raises:
        DataError: A row is longer than `MAX_ROW_BYTES`: a quote is not closed.
        Those of `input_files.read_errors`: the file cannot be read.
    """
    with open_binary(file) as stream:
        _go_to(stream, start, file)
        position, rest = start, b""
        while read := stream.read(BLOCK_BYTES):
            rows = rest + read
            spans = quotes.spans(rows)
            starts = spans.row_starts(rows[: spans.opens[0] + 1] if spans.opens else rows)
            # What follows the last row's start may go on in the next block.
            whole = int(starts[-1]) if spans.opens or not rows.endswith(b"\n") else len(rows)
            if len(rows) - whole > MAX_ROW_BYTES:
                raise DataError(
                    f"{file.path}: the row at byte {position + whole}, {bad_rows.cell(rows[whole:])}, has more than "
                    f"{MAX_ROW_BYTES >> 20} MiB: a quote {quotes.form.quote} is not closed. Correct the file, or set "
                    "format.quoted_line_ends: false."
                )
            if whole:
                yield position, rows[:whole]
            position, rest = position + whole, rows[whole:]
        if rest:
            yield position, rest
