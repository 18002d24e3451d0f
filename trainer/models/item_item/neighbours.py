"""Holds each item's neighbours as two arrays of a fixed width, and cuts the rows of a sparse matrix to them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The neighbours of each item, those with the largest weights first.

    Attributes:
        item: int32 `[items, width]`, the number of each neighbour; 0 pads.
        weight: float32 `[items, width]`, how near it is. 0 pads. Only EASE has weights below 0, of items that
            speak against each other.
    """

    item: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]


def nearest(block: Any, width: int) -> Neighbours:
    """Keeps the entries of each row that are largest, whatever their sign, ties by the number of the column.

    Args:
        block: scipy CSR matrix `[rows, items]` without the entries of an item with itself. An entry is compared as
            float32, so that the same sum in another order, which differs in the last bits of float64, is a tie. Entries
            of 0 are no neighbours.
        width: Neighbours that a row keeps.

    Returns:
        The neighbours of the block's rows.
    """
    rows = block.shape[0]
    item = np.zeros((rows, width), np.int32)
    weight = np.zeros((rows, width), np.float32)
    block.sort_indices()
    value = block.data.astype(np.float32)
    for row in range(rows):
        entries = slice(block.indptr[row], block.indptr[row + 1])
        kept = _largest(value[entries], width)
        item[row, : len(kept)] = block.indices[entries][kept]
        weight[row, : len(kept)] = value[entries][kept]
    return Neighbours(item, weight)


def transposed(neighbours: Neighbours, width: int) -> Neighbours:
    """The same pairs seen from the other side: of each item, those whose neighbour it is.

    Args:
        neighbours: Of all items, numbered as the rows are.
        width: Of how many items it is told, those with the largest weights.
    """
    rows = len(neighbours.item)
    is_one = neighbours.weight != 0
    pairs = (neighbours.item[is_one], np.nonzero(is_one)[0])
    return nearest(sparse.csr_matrix((neighbours.weight[is_one], pairs), shape=(rows, rows)), width)


def stacked(blocks: Sequence[Neighbours]) -> Neighbours:
    """Joins the neighbours of consecutive blocks of rows, at least one block."""
    return Neighbours(
        np.concatenate([block.item for block in blocks]), np.concatenate([block.weight for block in blocks])
    )


def _largest(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """The indices of the k values farthest from 0, farthest first, none that are 0; ties in order of the index."""
    values = np.abs(values)
    candidates = np.flatnonzero(values)
    if len(candidates) > k:
        # Includes all values that tie with the k-th, so that the sort decides which of them are kept.
        least = np.partition(values[candidates], len(candidates) - k)[len(candidates) - k]
        candidates = candidates[values[candidates] >= least]
    return candidates[np.argsort(-values[candidates], kind="stable")][:k]
