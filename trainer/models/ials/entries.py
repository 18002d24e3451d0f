"""Holds the confidences of users in items as a sparse matrix."""

import dataclasses
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trainer.histories import Histories, ends

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Entries:
    """A sparse matrix of confidences. Row `r` has the entries `offset[r]` to `offset[r + 1]`.

    Attributes:
        offset: int64 `[rows + 1]`.
        column: int32 `[entries]`; a column may repeat in a row, and its confidences add up.
        confidence: float32 `[entries]`, above zero.
    """

    offset: npt.NDArray[np.int64]
    column: npt.NDArray[np.int32]
    confidence: Floats

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.offset) - 1

    @property
    def mass(self) -> npt.NDArray[np.float64]:
        """Sum of the confidences of each row, `[rows]`."""
        row = np.repeat(np.arange(self.rows), np.diff(self.offset))
        return np.bincount(row, self.confidence, minlength=self.rows).astype(np.float64)

    def transposed(self, columns: int) -> "Entries":
        """The same matrix with columns as rows.

        Args:
            columns: The number of columns, above each of `column`.
        """
        order = np.argsort(self.column, kind="stable")
        row = np.repeat(np.arange(self.rows, dtype=np.int32), np.diff(self.offset))
        offset = ends(np.bincount(self.column, minlength=columns))
        return Entries(offset, row[order], self.confidence[order])


def entries_of(histories: Histories, weighs: bool = True) -> Entries:
    """The confidences of users in the items of their histories.

    Args:
        histories: Users; items are rows of the item factors, -1 for one that is not counted.
        weighs: Whether interactions count by their weights; else each has the confidence 1.

    Returns:
        A row for each user. A confidence is the weight divided by the mean weight of the row.
    """
    row, item, weight = histories.inside(np.arange(histories.users))
    weight = weight if weighs else np.ones_like(weight)
    length = np.bincount(row, minlength=histories.users)
    total = np.bincount(row, weight, minlength=histories.users)
    mean = total / np.maximum(length, 1)
    return Entries(ends(length), item.astype(np.int32), (weight / mean[row]).astype(np.float32))
