"""Measures how much items' neighbours have changed since the last blessed model."""

import numpy as np
import numpy.typing as npt

from documents.evaluation import Stability

ITEMS = 1000
"""The number of items that are compared: the mean of a thousand Jaccard indices is accurate to a hundredth."""


def drawn(count: npt.NDArray[np.int64], place_in_last: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Draws the items to compare.

    Args:
        count: `[items]`, the number of training interactions: only items with any are drawn.
        place_in_last: `[items]`, the place in the last blessed model's catalogue; -1 for an item that is not in it.
        seed: The seed of the draw.

    Returns:
        `ITEMS` places, or as many as there are.
    """
    shared = np.flatnonzero((count > 0) & (place_in_last >= 0))
    return np.random.default_rng(seed).permutation(shared)[:ITEMS]


def agreement(ours: npt.NDArray[np.int32], theirs: npt.NDArray[np.int32]) -> Stability | None:
    """Computes the mean Jaccard index of items' neighbours in two models.

    Args:
        ours: `[items, k]`, places; -1 pads.
        theirs: The other model's neighbours, `[items, k]`, as places in the same catalogue.

    Returns:
        The mean, and the number of items with neighbours in both models; None if there is no such item.
    """
    both = (ours >= 0).any(axis=1) & (theirs >= 0).any(axis=1)
    if not both.any():
        return None
    ours, theirs = ours[both], theirs[both]
    is_common = (ours[:, :, np.newaxis] == theirs[:, np.newaxis, :]) & (ours >= 0)[:, :, np.newaxis]
    common = is_common.sum(axis=(1, 2))
    union = (ours >= 0).sum(axis=1) + (theirs >= 0).sum(axis=1) - common
    return Stability(mean_jaccard=float(np.mean(common / union)), items=int(both.sum()))
