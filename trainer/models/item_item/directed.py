"""Finds what comes after each item: how often B was among the next n interactions of a user after A.

"A then B" is not "B then A": this is the order that cosine and the towers' shared embeddings do not see.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from configs.models.item_item import ItemItem
from trainer.chunks import chunks
from trainer.histories import Histories, ends
from trainer.models.item_item.neighbours import Neighbours, nearest, stacked

_PAIRS_A_BLOCK = 1 << 23
"""Pairs of interactions that are held at a time, in arrays of some 40 bytes a pair."""


def directed_neighbours(
    interactions: Histories, items: int, width: int, popularity: npt.NDArray[np.float32], settings: ItemItem
) -> Neighbours:
    """Finds the items that come next most often, for what their popularity lets expect.

    An item B that comes n ≤ `window` interactions after A counts `gap_decay`^(n - 1), times its own event's weight if
    events weigh. The count is divided by (popularity of A · popularity of B)^`popularity_exponent`.

    Args:
        interactions: The train split, oldest first; items are numbers below `items`.
        items: Size of the index.
        width: Neighbours that an item keeps.
        popularity: float32 `[items]`, each item's share of the interactions, above 0 for each item that occurs.
        settings: The window, the decay in it, the exponent, and whether events weigh.
    """
    expected = np.maximum(popularity.astype(np.float64), np.finfo(np.float32).tiny) ** -settings.popularity_exponent
    blocks = []
    for block, counts in _counts(interactions, items, settings):
        row = np.repeat(np.arange(block.start, block.stop), np.diff(counts.indptr))
        counts.data *= expected[row] * expected[counts.indices]
        blocks.append(nearest(counts, width))
    return stacked(blocks)


def _counts(interactions: Histories, items: int, settings: ItemItem) -> Iterator[tuple[slice, Any]]:
    """Yields blocks of items and their rows of counts, scipy CSR float64 `[block, items]`."""
    item, window = interactions.item, settings.window
    of_gap = settings.gap_decay ** np.arange(window)
    end_of_user = np.repeat(interactions.offset[1:], interactions.length)
    by_item = np.argsort(item, kind="stable")
    by_item = by_item[np.searchsorted(item[by_item], 0) :]  # without items outside the index
    occurrences = np.bincount(item[by_item], minlength=items)
    start = ends(occurrences)
    for block in chunks(occurrences * window + 1, _PAIRS_A_BLOCK):
        first = by_item[start[block.start] : start[block.stop]]
        next_ones = first[:, np.newaxis] + np.arange(1, window + 1)
        is_pair = next_ones < end_of_user[first][:, np.newaxis]
        first, then = np.repeat(first, is_pair.sum(axis=1)), next_ones[is_pair]
        differ = (item[then] >= 0) & (item[then] != item[first])
        first, then = first[differ], then[differ]
        count = of_gap[then - first - 1]
        if settings.use_event_weights:
            count = count * interactions.weight[then]
        pairs = (item[first] - block.start, item[then])
        yield block, sparse.csr_matrix((count, pairs), shape=(block.stop - block.start, items))
