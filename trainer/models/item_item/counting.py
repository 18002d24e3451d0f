"""Makes the user-item matrix, what must be known of its columns, and the products of its columns block by block.

Sums are of ones, or of weights as the log has them, in float64. They are exact for ones and for the usual weights (sums
of .5, 2, 6), so any order of the users, such as that of Beam's workers, gives the same bits. Only the finished sum is
scaled. With an `activity_exponent`, another order of the users changes the last bits.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from trainer.chunks import chunks
from trainer.histories import Histories

_VALUES_A_BLOCK = 1 << 24
"""Products that are held at a time, 12 bytes each, and as many again while they are sorted."""


@dataclasses.dataclass(frozen=True)
class Columns:
    """What is known of each column of a user-item matrix. The columns of two groups of users add up.

    Attributes:
        squares: float64 `[items]`, the sum of the squares of the entries.
        users: int64 `[items]`, the users who met the item.
        largest: The largest entry of all columns.
    """

    squares: npt.NDArray[np.float64]
    users: npt.NDArray[np.int64]
    largest: float

    def __add__(self, other: "Columns") -> "Columns":
        return Columns(self.squares + other.squares, self.users + other.users, max(self.largest, other.largest))

    @property
    def norm(self) -> npt.NDArray[np.float64]:
        """The Euclidean length of each column, `[items]`."""
        return np.sqrt(self.squares)


def user_items(interactions: Histories, items: int, weighs: bool, activity_exponent: float = 0) -> Any:
    """Makes the user-item matrix.

    Args:
        interactions: The users; an item outside the index is left out.
        items: Size of the index.
        weighs: Whether an entry is the sum of the weights of the user's interactions with the item; else it is 1.
        activity_exponent: e: the entries of a user with n items are multiplied by n^(-e/2), and products of two of them
            by n^(-e).

    Returns:
        scipy CSR matrix float64 `[users, items]`, its indices sorted.
    """
    row, item, weight = interactions.inside(np.arange(interactions.users))
    shape = (interactions.users, items)
    met = sparse.csr_matrix((weight.astype(np.float64), (row, item)), shape=shape)
    if not weighs:
        met.data[:] = 1
    if activity_exponent:
        length = np.diff(met.indptr)
        met.data *= np.repeat(length, length) ** (-activity_exponent / 2)
    return met


def columns(met: Any) -> Columns:
    """Counts what must be known of the columns of a user-item matrix, scipy CSR `[users, items]`."""
    items = met.shape[1]
    return Columns(
        squares=np.bincount(met.indices, met.data**2, minlength=items).astype(np.float64),
        users=np.bincount(met.indices, minlength=items).astype(np.int64),
        largest=float(met.data.max(initial=0)),
    )


def product_blocks(met: Any, values: int = _VALUES_A_BLOCK) -> Iterator[tuple[slice, Any]]:
    """Multiplies each column with each, in blocks that fit in memory.

    Args:
        met: scipy CSR matrix `[users, items]`.
        values: Products that a block may hold; a row that holds more is a block of its own.

    Yields:
        The items of a block and their rows of `metᵀ met`, scipy CSR `[block, items]`.
    """
    by_item = met.T.tocsr()
    # An item's row of products has at most as many entries as its users have interactions.
    is_met = sparse.csr_matrix((np.ones(by_item.nnz, np.int64), by_item.indices, by_item.indptr), shape=by_item.shape)
    most = np.asarray(is_met @ np.diff(met.indptr).astype(np.int64)).ravel()
    for block in chunks(np.minimum(most, met.shape[1]) + 1, values):
        yield block, (by_item[block] @ met).tocsr()
