"""The second baseline besides popularity: item-item cosine, ranked for the same users over the same catalogue.

It leaves out the same items, and ranks ties by place, as the served model and `trainer.popularity` do.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from trainer.chunks import chunks
from trainer.histories import Histories

NEIGHBOURS = 100
"""Neighbours that an item keeps. More change little (Deshpande and Karypis 2004), and without a limit a
catalogue of a million items would hold a million squared."""

HISTORY = 100
"""The newest interactions of an evaluated user that are used to rank items for the user."""

PAIRS = 300_000_000
"""The most pairs of items of one history that are counted in all: it takes some ten seconds. If the histories hold more
pairs, the longest ones are cut to their newest interactions until they fit; they say least about a pair."""

_VALUES_A_CHUNK = 1 << 24
"""Values that are held at a time, in a few arrays of at most four bytes a value."""


def item_neighbours(train: Histories, items: int) -> Any:
    """Computes the cosine between items' columns of the user-item matrix, and keeps the `NEIGHBOURS` best of each item.

    Source: Sarwar et al. 2001; the entries are weights where events weigh, else 1.

    Args:
        train: The train split; items are places in the catalogue.
        items: Size of the catalogue.

    Returns:
        scipy CSR matrix float32 `[items, items]`; row `i` holds the items most like `i`.
    """
    met = _matrix(train, np.arange(train.users), _history_limit(train.length), items)
    length = np.sqrt(np.asarray(met.multiply(met).sum(axis=0)).ravel())
    met = (met @ sparse.diags(np.divide(1, length, out=np.zeros_like(length), where=length > 0))).tocsr()
    by_item = met.T.tocsr()
    # An item's row of products has at most as many entries as its users have interactions.
    entries = np.asarray(by_item.astype(np.bool_).astype(np.int64) @ np.diff(met.indptr)).ravel()
    parts = []
    for block in chunks(np.minimum(entries, items) + 1, _VALUES_A_CHUNK):
        products = (by_item[block] @ met).tocsr()
        products.sort_indices()
        parts.append(_best(products, block.start))
    return sparse.vstack(parts, format="csr")


def item_item_ranking(
    users: Histories, left_out: Histories, neighbours: Any, popularity_ranked: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Ranks items by the sum of their similarities to the items of the history, weighted as the history is.

    Args:
        users: The users to rank for; items are places in the catalogue.
        left_out: The same users with the items that are left out, as of `Histories.left_out`.
        neighbours: The result of `item_neighbours`.
        popularity_ranked: `[users, k]`, the ranking of `trainer.popularity`. Its items follow if fewer than k items are
            similar to any item of the history.

    Returns:
        `[users, k]` places; -1 where fewer are left.
    """
    items, k = neighbours.shape[0], popularity_ranked.shape[1]
    ranked = popularity_ranked.copy()
    # All matrices stay sparse: of a million items, at most ten thousand are similar to a history's items.
    for rows in chunks(np.minimum(users.length, HISTORY) * NEIGHBOURS + 1, _VALUES_A_CHUNK):
        chosen = np.arange(rows.start, rows.stop)
        scores = _matrix(users, chosen, HISTORY, items) @ neighbours
        row, item, _ = left_out.inside(chosen)
        seen = sparse.csr_matrix((np.ones(len(row), np.bool_), (row, item)), shape=scores.shape)
        scores = (scores - scores.multiply(seen)).tocsr()
        scores.eliminate_zeros()
        scores.sort_indices()
        for n in range(len(chosen)):
            entries = slice(scores.indptr[n], scores.indptr[n + 1])
            first = scores.indices[entries][_largest(scores.data[entries], k)]
            others = ranked[rows.start + n]
            rest = others[:0] if len(first) == k else others[~np.isin(others, first)]
            ranked[rows.start + n] = np.concatenate([first, rest])[:k]
    return ranked


def _largest(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Returns the indices of the k largest values, largest first; ties in order of the index."""
    candidates = np.arange(len(values))
    if len(values) > k:
        # Includes all values that tie with the k-th, so that the sort decides which of them are kept.
        candidates = np.flatnonzero(values >= np.partition(values, len(values) - k)[len(values) - k])
    return candidates[np.argsort(-values[candidates], kind="stable")][:k]


def _best(products: Any, first_item: int) -> Any:
    """Keeps the best entries of each row of a CSR matrix, without the item itself."""
    data, indices, start = [], [], [0]
    for n in range(products.shape[0]):
        row = slice(products.indptr[n], products.indptr[n + 1])
        value, item = products.data[row], products.indices[row]
        other = item != first_item + n
        value, item = value[other], item[other]
        kept = _largest(value, NEIGHBOURS)
        data.append(value[kept])
        indices.append(item[kept])
        start.append(start[-1] + len(kept))
    return sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), start), shape=products.shape)


def _matrix(users: Histories, rows: npt.NDArray[np.int64], newest: int, items: int) -> Any:
    """Builds a CSR matrix float32 `[rows, items]` of the chosen users' newest interactions; repeats add up."""
    row, item, weight = users.inside(rows, newest)
    return sparse.csr_matrix((weight, (row, item)), shape=(len(rows), items), dtype=np.float32)


def _history_limit(length: npt.NDArray[np.int64]) -> int:
    """Finds the largest limit such that histories cut to it hold at most `PAIRS` pairs; at least 1."""
    low, high = 1, int(length.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.sum(np.minimum(length, middle) ** 2)) <= PAIRS:
            low = middle
        else:
            high = middle - 1
    return low
