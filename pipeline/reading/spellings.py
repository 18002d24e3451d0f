"""Finds ids that are written in several ways, such as `7` and `7.0`; joins them if the config says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.ids import Ids
from pipeline.reading import bad_rows

_FRACTION = r"^([+-]?\d+)\.0*$"
_UNUSUAL = r"^[\s\p{Z}]|[\s\p{Z}]$|^[+-]?\d+\.0*$"

_EXAMPLES = 3
"""Ids that an error shows."""


@dataclass(frozen=True)
class Spellings:
    """Ids that are written in several ways."""

    count: int = 0
    """How many ids."""

    examples: tuple[tuple[tuple[str, int], ...], ...] = ()
    """Some of them: for each, its spellings with their numbers of rows."""

    def describe(self) -> str:
        """Says how many ids there are, with examples."""
        shown = "; ".join(
            " and ".join(
                f"{bad_rows.cell(spelling)} ({rows} row{'' if rows == 1 else 's'})" for spelling, rows in spellings
            )
            for spellings in self.examples
        )
        return f"{self.count} id(s) are written in several ways, such as {shown}"


def joined(texts: Any, ids: Ids) -> Any:
    """Writes ids as the config says.

    Args:
        texts: pyarrow string array.
        ids: The config.

    Returns:
        pyarrow string array of the same length; ids may now be equal.
    """
    if ids.trim:
        texts = pc.utf8_trim_whitespace(texts)
    if ids.integral:
        texts = pc.replace_substring_regex(texts, _FRACTION, r"\1")
    return texts


def plain(texts: Any) -> Any:
    """Writes ids without blanks around them and without fractions of whole numbers: equal for spellings of one id.

    Args:
        texts: pyarrow string array.

    Returns:
        The same array if it has no such id, else a new one.
    """
    if not pc.any(pc.match_substring_regex(texts, _UNUSUAL), min_count=0).as_py():
        return texts
    return joined(texts, Ids(trim=True, integral=True))


def find(texts: Any, rows: npt.NDArray[np.int64]) -> Spellings:
    """Finds ids that are written in several ways.

    Args:
        texts: pyarrow string array of different ids.
        rows: [ids] int64, the rows of each; an id without rows does not count.
    """
    used = pa.array(rows > 0)
    texts, rows = texts.filter(used), rows[rows > 0]
    meant = plain(texts)
    if meant is texts:
        return NONE
    codes = meant.dictionary_encode().indices.to_numpy()
    repeated = np.flatnonzero(np.bincount(codes)[codes] > 1)
    examples: list[tuple[tuple[str, int], ...]] = []
    for code in dict.fromkeys(codes[repeated].tolist()):
        if len(examples) == _EXAMPLES:
            break
        places = np.flatnonzero(codes == code)
        examples.append(
            tuple(sorted(zip(texts.take(pa.array(places)).to_pylist(), rows[places].tolist(), strict=True)))
        )
    return Spellings(len(np.unique(codes[repeated])), tuple(examples))


NONE = Spellings()


def merge(parts: Iterable[Spellings]) -> Spellings:
    """Adds up what was found among different ids."""
    found = list(parts)
    examples = sorted(example for part in found for example in part.examples)
    return Spellings(sum(part.count for part in found), tuple(examples[:_EXAMPLES]))


ADVICE = "Correct the files, or join the spellings with ids: {trim: true, integral: true} in the config."
