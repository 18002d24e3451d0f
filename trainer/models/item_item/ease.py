"""EASE: the item-item weights that best rebuild each user's items from the user's other items, in closed form.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data" (arXiv 1905.03375), equation 8: with
P = (XᵀX + λI)⁻¹, B = I - P · diag(1 / P), whose diagonal is zero.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import lapack

from common.errors import TrainingError
from configs.models.item_item import ItemItem
from trainer.histories import Histories
from trainer.models.item_item.counting import product_blocks, user_items
from trainer.models.item_item.neighbours import Neighbours, nearest, stacked

_ROWS = 1024
"""Rows of the dense matrix that are copied at a time."""


def ease_neighbours(interactions: Histories, items: int, width: int, settings: ItemItem) -> Neighbours:
    """Finds the items that are best told from each item.

    A row is cut by size, not by sign: weights below zero, of items that speak against each other, are worth 4 % of the
    nDCG@10 on unordered MovieLens 100K. The squares of the entries of X have the mean 1: the regularisation then means
    the same for every log, whatever its events weigh and however active its users are.

    Args:
        interactions: The train split; items are numbers below `items`.
        items: Size of the index.
        width: Neighbours that an item keeps.
        settings: The regularisation, the largest number of items, and how much active users count.

    Raises:
        TrainingError: There are more items than `max_items`, or the regularisation is too small for the log.
    """
    if items > settings.max_items:
        raise TrainingError(
            f"method ease inverts a dense matrix of {items:,} x {items:,} items, and max_items is "
            f"{settings.max_items:,}. Set trainer.method: directed or cosine, cut the log with log.cleaning.top_items, "
            f"or, if there are {8 * items**2 / 2**30:.1f} GiB of memory to spare, raise trainer.max_items."
        )
    gram = _gram(interactions, items, settings.activity_exponent)
    # The diagonal adds up to the interactions.
    mean_length = max(float(np.trace(gram)) / max(np.count_nonzero(interactions.length), 1), 1.0)
    inverse = _inverse(gram, settings.regularisation, mean_length)
    return stacked([nearest(_weights(inverse, start), width) for start in range(0, items, _ROWS)])


def _gram(interactions: Histories, items: int, activity_exponent: float) -> npt.NDArray[np.float64]:
    """XᵀX as a dense matrix in Fortran's order, which LAPACK overwrites; the diagonal adds up to the interactions."""
    met = user_items(interactions, items, weighs=False, activity_exponent=activity_exponent)
    met.data *= np.sqrt(met.nnz / max(float(met.data @ met.data), 1.0)) if activity_exponent else 1.0
    gram = np.zeros((items, items), order="F")
    for block, products in product_blocks(met):
        # It is symmetric, and columns are what lies together in this order.
        gram[:, block] = products.toarray().T
    return gram


def _inverse(gram: npt.NDArray[np.float64], regularisation: float, unit: float) -> npt.NDArray[np.float64]:
    """(gram + λI)⁻¹ in the memory of `gram`, where λ is so many units.

    Cholesky takes half the time of a general inverse and no copy.
    """
    gram[np.diag_indices_from(gram)] += regularisation * unit
    factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise TrainingError(
            f"method ease cannot invert the matrix of items with regularisation {regularisation:g}, which is too small "
            "for this log. Raise trainer.regularisation; 1 to 10 is usual."
        )
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), _ROWS):
        # LAPACK fills the lower triangle alone.
        stop = start + _ROWS
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
        corner = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = corner + np.tril(corner, -1).T
    return inverse


def _weights(inverse: npt.NDArray[np.float64], start: int) -> Any:
    """Rows of B from `start` on, scipy CSR."""
    rows = -inverse[start : start + _ROWS] / np.diag(inverse)
    rows[np.arange(len(rows)), np.arange(start, start + len(rows))] = 0
    return sparse.csr_matrix(rows)
