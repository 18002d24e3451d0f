"""Sorts items into lists by spherical k-means, and writes them.

Dhillon and Modha, Concept Decompositions for Large Sparse Text Data using Clustering (2001): each item belongs to the
centroid with the largest cosine, and a centroid is the mean of its items, of length 1.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service.index.lists import CENTROIDS_FILE, ENDS_FILE, PLACES_FILE, ROWS_FILE, Floats

_SAMPLE = 64
"""Items a list that the centroids are made from; faiss' `ClusteringParameters` say 39 to 256. With 256, a query of
300,000 items is compared with 6 % fewer for the same recall, and building takes three times as long."""

_ROUNDS = 10
"""Of k-means, as faiss does for an inverted file. With 20, a query is compared with 2 % fewer items."""

_ROWS_AT_ONCE = 2048
"""Rows whose cosines with all centroids are in memory at once: 8 MB with 1,000 lists."""


def write_lists(folder: str | Path, embedding: Floats, unembedded: npt.NDArray[np.int32]) -> None:
    """Writes an index: 4 s of one core for 1,000,000 items of 64 numbers.

    Args:
        folder: A new folder.
        embedding: float32 `[items, dim]`, of length 1; more than there are `unembedded`.
        unembedded: int32: places of items that come into no list, ascending.

    Raises:
        OSError: It cannot be written.
    """
    root = Path(folder)
    root.mkdir()
    is_indexed = np.ones(len(embedding), np.bool_)
    is_indexed[unembedded] = False
    places = np.flatnonzero(is_indexed).astype(np.int32)
    # The same lists each time: what a version answers must not depend on the day it was loaded.
    rng = np.random.default_rng(0)
    # Lists and their length grow alike, so that neither the centroids nor the last list cost much of a query.
    # Measured with 300,000 and 1,000,000 items: twice as many lists cost the same at the same recall.
    count = math.isqrt(len(places))
    sample = embedding[np.sort(rng.choice(places, min(_SAMPLE * count, len(places)), replace=False))]
    centroids = _centroids(sample, count, rng)
    owner = _nearest(embedding, places, centroids)
    order = places[np.argsort(owner, kind="stable")]
    np.save(root / CENTROIDS_FILE, centroids)
    np.save(root / ENDS_FILE, np.cumsum(np.bincount(owner, minlength=count)))
    np.save(root / PLACES_FILE, order)
    rows = np.lib.format.open_memmap(
        root / ROWS_FILE, mode="w+", dtype=np.float32, shape=(len(order), embedding.shape[1])
    )
    for start in range(0, len(order), _ROWS_AT_ONCE):
        rows[start : start + _ROWS_AT_ONCE] = embedding[order[start : start + _ROWS_AT_ONCE]]
    rows.flush()


def _centroids(sample: Floats, count: int, rng: np.random.Generator) -> Floats:
    """float32 `[count, dim]`, of length 1."""
    centroids = sample[rng.choice(len(sample), count, replace=False)]
    everything = np.arange(len(sample))
    for _ in range(_ROUNDS):
        owner = _nearest(sample, everything, centroids)
        sizes = np.bincount(owner, minlength=count)
        used = np.flatnonzero(sizes)
        sums = np.add.reduceat(sample[np.argsort(owner, kind="stable")], (np.cumsum(sizes) - sizes)[used], axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A centroid without items begins again elsewhere; one whose items cancel out, which has no direction, stays.
        centroids[used] = np.where(lengths > 0, sums / np.maximum(lengths, np.finfo(np.float32).tiny), centroids[used])
        unused = np.flatnonzero(sizes == 0)
        centroids[unused] = sample[rng.choice(len(sample), len(unused), replace=False)]
    return centroids


def _nearest(embedding: Floats, places: npt.NDArray[np.signedinteger[Any]], centroids: Floats) -> npt.NDArray[np.intp]:
    """For each place, the nearest centroid."""
    found = np.empty(len(places), np.intp)
    for start in range(0, len(places), _ROWS_AT_ONCE):
        rows = embedding[places[start : start + _ROWS_AT_ONCE]]
        found[start : start + _ROWS_AT_ONCE] = (rows @ centroids.T).argmax(axis=1)
    return found
