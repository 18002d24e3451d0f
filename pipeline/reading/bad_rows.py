"""Records the rows that cannot be used: why, how many, and which. Every input row is either used or counted here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

TOO_FEW_COLUMNS = "too few columns"
TOO_MANY_COLUMNS = "too many columns"
UNBALANCED_QUOTE = "unbalanced quote"
NUL_BYTE = "NUL byte"
WRONG_ENCODING = "not valid in the file's encoding"
CARRIAGE_RETURN = "carriage return inside the row"
NOT_A_NUMBER = "is not a number"
NOT_A_TIME = "is not a time"
NOT_FINITE = "is not finite"
BEYOND_FLOAT32 = "is beyond a 32-bit number"
EMPTY = "is empty"
TOO_LONG = "is longer than 4096 bytes"
LINE_BREAK = "holds a line break"
HOLDS_NUL = "holds a NUL byte"
UNKNOWN_EVENT = "unknown event type"
NEGATIVE_TIMESTAMP = "negative timestamp"
TIME_APART = "timestamp decades apart from most others"
FUTURE_TIMESTAMP = "future timestamp"
REPEATED_HEADER = "the header again"
NOT_JSON = "is no JSON object"
NOT_WHOLE = "is not a whole number"
TRUE_OR_FALSE = "is true or false"
LIST = "holds a list"
OBJECT = "holds an object"
NO_OBJECT = "holds no object"
TWICE = "occurs twice"
HALF_CHARACTER = "holds half of a character"
DUPLICATE_ID = "item_id seen before"
EMPTY_TITLE = "title is empty; the id is used as the title"

EXCERPT_CHARACTERS = 200
"""Longest excerpt of a bad row in the quarantine: enough to recognise it, too short to grow the file."""


@dataclass(frozen=True, order=True)
class BadRow:
    """One bad row. Bad rows sort in the order of the input."""

    file_index: int
    """The file's number among the input files, sorted by name, from 0."""

    block: int
    """The byte (text) or row group (Parquet) of the file where the row's block starts."""

    row: int
    """The row's number in its block, from 0."""

    reason: str
    excerpt: str


@dataclass
class Problems:
    """The problem of each row of a block; the first problem found for a row is kept.

    Attributes:
        codes: [rows] int8, 0 for a good row, else 1 + the index into `reasons`.
        reasons: The reasons found so far.
    """

    codes: npt.NDArray[np.int8]
    reasons: list[str] = field(default_factory=list)

    @classmethod
    def none(cls, rows: int) -> "Problems":
        """Returns an object without a problem in any of `rows` rows."""
        return cls(np.zeros(rows, np.int8))

    def add(self, where: npt.NDArray[np.bool_], reason: str) -> None:
        """Sets `reason` for the rows of the mask `where` ([rows] bool) that have no problem yet."""
        if where.any():
            if reason not in self.reasons:
                self.reasons.append(reason)
            self.codes[where & (self.codes == 0)] = self.reasons.index(reason) + 1

    def add_all(self, others: "Problems") -> None:
        """Adds the problems of the same rows that were collected apart."""
        for number, reason in enumerate(others.reasons, 1):
            self.add(others.codes == number, reason)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """[rows] bool: the rows without a problem."""
        return self.codes == 0

    def counts(self) -> dict[str, int]:
        """Returns the number of rows by reason."""
        counts = np.bincount(self.codes, minlength=len(self.reasons) + 1)
        return {reason: int(counts[i + 1]) for i, reason in enumerate(self.reasons) if counts[i + 1]}

    def bad(self) -> Iterable[tuple[int, str]]:
        """Yields the number and the reason of each bad row, in order."""
        for row in np.flatnonzero(self.codes):
            yield int(row), self.reasons[self.codes[row] - 1]


CELL_CHARACTERS = 80
"""Longest part of a cell that a message repeats."""

_LISTED_NAMES = 50
"""The most names of columns that a message lists."""


def cell(value: object) -> str:
    """Returns a cell for a message: in quotes, of a long one the beginning; of bytes that are no text, each byte."""
    shown = repr(_cut(value, CELL_CHARACTERS))
    return shown.replace("\\\\x", "\\x") if isinstance(value, bytes) else shown


def listed(names: Sequence[object]) -> str:
    """Lists the names of columns for a message."""
    return ", ".join(map(cell, names[:_LISTED_NAMES]))


def excerpt(value: object) -> str:
    """Returns the printable beginning of a row or a cell, of at most `EXCERPT_CHARACTERS`."""
    return _cut(value, EXCERPT_CHARACTERS)


def _cut(value: object, characters: int) -> str:
    # An encoded character has four bytes at most, and what is cut off must not cost time.
    text = value[: 4 * characters].decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= characters else text[: characters - 1] + "…"
