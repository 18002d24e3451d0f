"""A block of a file as Arrow columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.file_format import FileFormat

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Kind = Literal["id", "text", "texts", "number", "integer"]
"""What a field holds: an id, a text, one text or a list of them, a number, or a number that is usually whole."""


@dataclass(frozen=True)
class Parsed:
    """A block as columns."""

    table: Any
    """pyarrow.Table of the good rows, one column for each field. A column of numbers is text if one cell is no number.
    """

    rows: npt.NDArray[np.int64]
    """[good rows] int64: each row's line in the block, from 0."""

    bad: list[tuple[int, str, str]]
    """Line in the block, reason and excerpt of each other row."""

    lines: int
    """Lines of the block, including blank ones."""


def joined(parts: Sequence[Parsed], table: Any) -> Parsed:
    """Joins the parts of a block.

    Args:
        parts: The parts, in order.
        table: pyarrow.Table of their rows.
    """
    starts = np.cumsum([0] + [part.lines for part in parts])
    return Parsed(
        table,
        np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)]),
        [
            (row + int(start), why, cut)
            for part, start in zip(parts, starts, strict=False)
            for row, why, cut in part.bad
        ],
        int(starts[-1]),
    )


def in_utf8(block: bytes, form: FileFormat) -> bytes:
    """Returns text in UTF-8, without byte-order marks at the starts of lines, as in files that were put together."""
    if form.encoding == "latin-1":
        return block.decode("latin-1").encode()
    if BYTE_ORDER_MARK in block:
        return block.removeprefix(BYTE_ORDER_MARK).replace(b"\n" + BYTE_ORDER_MARK, b"\n")
    return block


def without_words(column: Any, words: Sequence[str]) -> Any:
    """Makes the cells of a text column empty that hold one of the words; other columns stay as they are."""
    values = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not words or not (pa.types.is_string(values) or pa.types.is_large_string(values)):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.cast(values)
    is_word = pc.is_in(column, value_set=pa.array(words, values))
    return pc.if_else(is_word, pa.scalar(None, values), column) if pc.any(is_word).as_py() else column
