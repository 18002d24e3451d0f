"""Measures how much of the exact answers an index finds, and chooses how many items it must compare for that."""

import bisect
import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.index.best import largest
from service.index.lists import Floats, Lists, Places

DEPTH = 100
"""Length of the beginning of a ranking that an index finds, and for which its recall is measured: ten pages of ten."""

QUERIES = 450
"""Queries of a kind. The recall of one differs from the mean by some 0.04, so 150 that measure know the mean to 0.004,
and 300 that choose to 0.003."""

_MEASURE = 3
"""One query in so many measures; the others choose."""

_QUERIES_AT_ONCE = 16
"""Queries whose scores of all items are in memory at once: 64 MB with 1,000,000 items."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """Queries with their exact answers.

    Attributes:
        vectors: float32 `[n, dim]`, of length 1.
        left_out: int32 `[n, m]`: places that do not come; -1 is nothing.
        best: int32 `[n, DEPTH]`: places of the items with the largest cosines, in any order.
    """

    vectors: Floats
    left_out: Places
    best: Places

    @classmethod
    def of(cls, embedding: Floats, unembedded: npt.NDArray[np.int32], vectors: Floats, left_out: Places) -> "Sample":
        """Finds the exact answers.

        Args:
            embedding: float32 `[items, dim]`; at least `DEPTH` of them may come for each query.
            unembedded: int32: places of items that do not come.
            vectors: As above.
            left_out: As above.
        """
        best = np.empty((len(vectors), DEPTH), np.int32)
        for start in range(0, len(vectors), _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            cosines = vectors[part] @ embedding.T
            cosines[:, unembedded] = -np.inf
            for row, out, found in zip(cosines, left_out[part], best[part], strict=True):
                row[out[out >= 0]] = -np.inf
                among = largest(row, DEPTH, 0.0)
                found[:] = among[np.argsort(-row[among], kind="stable")[:DEPTH]]
        return cls(vectors, left_out, best)

    def split(self) -> tuple["Sample", "Sample"]:
        """Queries to choose by, and others to measure with."""
        measures = np.arange(len(self.vectors)) % _MEASURE == 0
        chooses, keeps = (Sample(self.vectors[of], self.left_out[of], self.best[of]) for of in (~measures, measures))
        return chooses, keeps

    def write(self, path: Path) -> None:
        """Writes a file."""
        np.savez(path, vectors=self.vectors, left_out=self.left_out, best=self.best)

    @classmethod
    def read(cls, path: Path) -> "Sample":
        """Reads the file.

        Raises:
            OSError, ValueError, KeyError: It cannot be read.
        """
        with np.load(path) as found:
            return cls(found["vectors"], found["left_out"], found["best"])


def least_for(lists: Lists, sample: Sample, recall: float) -> int:
    """How many items must be compared at least, so that this share of the exact answers is among them.

    An answer is among them once its list is, so one look at the order of the lists tells it for all numbers of items.
    The mean of the sample must be above the share by two standard errors: so other queries reach it, too.

    Args:
        lists: The index.
        sample: Queries.
        recall: The share.
    """
    list_of = np.zeros(int(max(lists.places.max(), sample.best.max())) + 1, np.int32)
    list_of[lists.places] = lists.list_of()
    needed = np.empty(sample.best.shape, np.int64)
    for row, (vector, best) in enumerate(zip(sample.vectors, sample.best, strict=True)):
        nearest = lists.nearest_first(vector)
        before = np.empty(lists.count, np.int64)
        before[nearest] = lists.before(nearest)
        # A list is compared if fewer items are before it than must be compared.
        needed[row] = before[list_of[best]] + 1

    def is_enough(least: int) -> bool:
        found = (needed <= least).mean(axis=1)
        return bool(found.mean() - 2 * found.std() / np.sqrt(len(found)) >= recall)

    numbers = np.unique(needed)
    return int(numbers[bisect.bisect_left(numbers, True, key=is_enough, hi=len(numbers) - 1)])
