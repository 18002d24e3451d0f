"""Scores items: what the signature `scores` gives, and what boosts and dislikes make of it."""

import numpy as np
import numpy.typing as npt

from service.snapshot.features import Places
from service.snapshot.snapshot import Snapshot

Scores = npt.NDArray[np.float32]

NO_EMBEDDING_SCORE = np.float32(-1)
"""Score of an item about which nothing is known, as in the model: the lowest cosine."""


_TOGETHER = 6
"""Vectors from which on one product of matrices costs less than a product for each vector. The former copies the matrix
of the items into blocks first. Measured with 10,000 items of 64 numbers; with 100,000 it is 4."""


def products(vectors: Scores, rows: Scores) -> Scores:
    """Products of all vectors float32 `[n, dim]` with all rows float32 `[m, dim]`: float32 `[n, m]`."""
    if len(vectors) >= _TOGETHER:
        return vectors @ rows.T
    found = np.empty((len(vectors), len(rows)), np.float32)
    for vector, out in zip(vectors, found, strict=True):
        np.dot(rows, vector, out=out)
    return found


def embedding_of(snapshot: Snapshot) -> npt.NDArray[np.float32]:
    """The embeddings of a snapshot whose model has them."""
    if snapshot.embedding is None:
        raise ValueError("the model has no embeddings: rank the rows of its signature `scores`")
    return snapshot.embedding


def cosines(snapshot: Snapshot, vectors: Scores) -> Scores:
    """Scores of all items for queries about which something is known.

    Args:
        snapshot: The items.
        vectors: float32 `[n, dim]`, of length 1.

    Returns:
        float32 `[n, items]`: cosines; -1 for an item without an embedding.
    """
    found = products(vectors, embedding_of(snapshot))
    found[:, snapshot.unembedded] = NO_EMBEDDING_SCORE
    return found


def cosines_of(snapshot: Snapshot, vector: Scores, places: Places) -> Scores:
    """Scores of some items for one query; see `cosines`.

    Args:
        snapshot: The items.
        vector: float32 `[dim]`.
        places: `[m]`.

    Returns:
        float32 `[m]`.
    """
    rows = embedding_of(snapshot)[places]
    found = rows @ vector
    found[is_unembedded(snapshot, places)] = NO_EMBEDDING_SCORE
    return found


def exact_cosines_of(snapshot: Snapshot, vector: Scores, places: Places) -> Scores:
    """Scores of some items for one query, the same to the last bit whatever else is computed with them.

    A float32 product of matrices depends in its last bits on the number of rows and on the machine. In float64 the
    products are exact, and the errors of their sum are far below what float32 can tell. Arguments and shapes are those
    of `cosines_of`.
    """
    rows = embedding_of(snapshot)[places]
    found: Scores = (rows * vector.astype(np.float64)).sum(axis=1).astype(np.float32)
    found[is_unembedded(snapshot, places)] = NO_EMBEDDING_SCORE
    return found


def cosine_error(dim: int) -> float:
    """Bound on the difference between a cosine in float32 and the true one.

    Higham, Accuracy and Stability of Numerical Algorithms (2002), equation 3.5: `dim * u` times the sum of the absolute
    products, which is at most 1 here; u is 2^-24. The eight more stand for the lengths, which are not exactly 1, and
    for the few operations on a score that come after.
    """
    return (dim + 8) * 2.0**-24


def is_unembedded(snapshot: Snapshot, places: Places) -> npt.NDArray[np.bool_]:
    """Which places are of items without an embedding."""
    unembedded = snapshot.unembedded
    if not len(unembedded):
        return np.zeros(len(places), np.bool_)
    at = np.searchsorted(unembedded, places)
    return np.asarray(unembedded[np.minimum(at, len(unembedded) - 1)] == places)


def adjusted(scores: Scores, likeness: Scores | None, factors: Scores | None) -> Scores:
    """Applies dislikes and boosts.

    A score falls by the share by which the item is like a disliked one, so that cosines, popularity and boosted scores
    are treated alike. A boost multiplies a positive score and divides a negative one: so a factor above 1 always
    raises.

    Args:
        scores: float32 `[m]`.
        likeness: float32 `[m]`, from 0 to 1: the largest cosine with a disliked item. None for none.
        factors: float32 `[m]`, above 0. None for ones.

    Returns:
        float32 `[m]`; the input itself where there is nothing to apply.
    """
    if likeness is not None:
        scores = scores - likeness * np.abs(scores)
    if factors is not None:
        scores = np.where(scores >= 0, scores * factors, scores / factors)
    return scores
