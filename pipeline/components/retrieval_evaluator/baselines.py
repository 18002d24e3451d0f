"""What a model must beat besides popularity: item-item cosine, ranked for the same users over the same catalogue.

It leaves out what a user met, and ranks ties by place, as the served model and `trainer.popularity` do.
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
"""Interactions of a user that count, the newest, when the evaluated user is asked for."""

PAIRS = 300_000_000
"""Pairs of items met by one user that are counted, at most: some ten seconds. Where histories hold more, the longest
are cut to their newest interactions until they fit; they tell least about a pair."""

_VALUES_A_CHUNK = 1 << 24
"""Held at a time, in a few arrays of four bytes a value or fewer."""


def item_neighbours(train: Histories, items: int) -> Any:
    """Cosine between items' columns of the user-item matrix, the `NEIGHBOURS` best of each item.

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
    # An item's row of products has at most as many entries as its users met items.
    entries = np.asarray(by_item.astype(np.bool_).astype(np.int64) @ np.diff(met.indptr)).ravel()
    parts = []
    for block in chunks(np.minimum(entries, items) + 1, _VALUES_A_CHUNK):
        products = (by_item[block] @ met).tocsr()
        products.sort_indices()
        parts.append(_best(products, block.start))
    return sparse.vstack(parts, format="csr")


def item_item_ranking(
    users: Histories, neighbours: Any, popularity_ranked: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Sums the similarities of what a user met, weighted as the history is.

    Args:
        users: Whom to rank for; items are places in the catalogue.
        neighbours: Of `item_neighbours`.
        popularity_ranked: `[users, k]` of `trainer.popularity`, which follow where fewer than k items are like any in
            the history.

    Returns:
        `[users, k]` places; -1 where fewer are left.
    """
    items, k = neighbours.shape[0], popularity_ranked.shape[1]
    ranked = popularity_ranked.copy()
    # Sparse throughout: of a million items, a history is like ten thousand at most.
    for rows in chunks(np.minimum(users.length, HISTORY) * NEIGHBOURS + 1, _VALUES_A_CHUNK):
        chosen = np.arange(rows.start, rows.stop)
        scores = _matrix(users, chosen, HISTORY, items) @ neighbours
        row, item, _ = users.inside(chosen)
        seen = sparse.csr_matrix((np.ones(len(row), np.bool_), (row, item)), shape=scores.shape)
        scores = (scores - scores.multiply(seen)).tocsr()
        scores.eliminate_zeros()
        scores.sort_indices()
        for n in range(len(chosen)):
            of_user = slice(scores.indptr[n], scores.indptr[n + 1])
            first = scores.indices[of_user][_largest(scores.data[of_user], k)]
            others = ranked[rows.start + n]
            rest = others[:0] if len(first) == k else others[~np.isin(others, first)]
            ranked[rows.start + n] = np.concatenate([first, rest])[:k]
    return ranked


def _largest(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Where the k largest are, largest first, ties by where they are."""
    candidates = np.arange(len(values))
    if len(values) > k:
        # All that tie with the last, so that the sort decides which of them stay.
        candidates = np.flatnonzero(values >= np.partition(values, len(values) - k)[len(values) - k])
    return candidates[np.argsort(-values[candidates], kind="stable")][:k]


def _best(products: Any, first_item: int) -> Any:
    """The best entries of each row of a CSR matrix, without the item itself."""
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
    """The chosen users' newest interactions as a CSR matrix float32 `[rows, items]`; repeats add up."""
    row, item, weight = users.inside(rows, newest)
    return sparse.csr_matrix((weight, (row, item)), shape=(len(rows), items), dtype=np.float32)


def _history_limit(length: npt.NDArray[np.int64]) -> int:
    """The largest limit at which histories cut to it hold no more than `PAIRS` pairs; at least 1."""
    low, high = 1, int(length.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.sum(np.minimum(length, middle) ** 2)) <= PAIRS:
            low = middle
        else:
            high = middle - 1
    return low
