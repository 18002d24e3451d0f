"""Defines the index: items in lists, each around a centroid, so that a query is compared with the nearest lists alone.

It is an inverted file as in Jégou, Douze and Schmid, Product Quantization for Nearest Neighbor Search (PAMI 2011),
section IV, with whole vectors in the lists. A list is one block of memory, and a query's products with it are one
product of NumPy. So it costs what faiss' `IndexIVFFlat` costs, without a library of 65 MB, threads of its own, and ties
in any order.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]

CENTROIDS_FILE = "centroids.npy"
"""float32 `[lists, dim]`, of length 1."""

ENDS_FILE = "ends.npy"
"""int64 `[lists]`: where each list ends in the two arrays below."""

PLACES_FILE = "places.npy"
"""int32 `[indexed]`: the items' places in the catalogue, list after list, ascending within a list."""

ROWS_FILE = "rows.npy"
"""float32 `[indexed, dim]`: their embeddings. A second copy: a list must lie together."""


class Lists:
    """The lists of one snapshot, for many threads.

    Attributes:
        count: Number of lists.
        items: Number of items in them: those with an embedding.
        places: int32 `[items]`, list after list.
    """

    def __init__(self, folder: str | Path) -> None:
        """Maps the files that `service.index.build.write_lists` wrote.

        Raises:
            OSError: A file cannot be read.
            ValueError: The same, or the files do not fit together.
        """
        root = Path(folder)
        # The centroids go through every query: in memory, not mapped.
        self._centroids: Floats = np.load(root / CENTROIDS_FILE)
        self._ends: npt.NDArray[np.int64] = np.load(root / ENDS_FILE)
        self._sizes = np.diff(self._ends, prepend=0)
        self.places: Places = np.asarray(np.load(root / PLACES_FILE, mmap_mode="r"))
        self._rows: Floats = np.asarray(np.load(root / ROWS_FILE, mmap_mode="r"))
        self.count, self.items = len(self._centroids), len(self.places)
        shapes = (self._ends.shape, self._rows.shape, int(self._sizes.sum()))
        if shapes != ((self.count,), (self.items, self._centroids.shape[1]), self.items) or (self._sizes < 0).any():
            raise ValueError(f"{folder}: the files do not fit together")

    def nearest_first(self, vector: Floats) -> npt.NDArray[np.int64]:
        """All lists, by the cosine of their centroids with a query, float32 `[dim]`."""
        return np.argsort(-np.dot(self._centroids, vector), kind="stable")

    def before(self, lists: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many items are in the lists before each of those given."""
        sizes = self._sizes[lists]
        return np.cumsum(sizes) - sizes

    def list_of(self) -> npt.NDArray[np.int32]:
        """The list of each item of `places`, int32 `[items]`."""
        return np.repeat(np.arange(self.count, dtype=np.int32), self._sizes)

    def scan(self, vector: Floats, least: int) -> tuple[Places, Floats]:
        """Compares a query with the nearest lists.

        Args:
            vector: float32 `[dim]`, of length 1.
            least: How many items are compared at least, if there are so many. The last list is compared whole.

        Returns:
            Places int32 and cosines float32, in no order that means anything. They depend on nothing but the arguments.
        """
        probed = self._probed(vector, least)
        total = int(self._sizes[probed].sum())
        places, cosines = np.empty(total, np.int32), np.empty(total, np.float32)
        begin = 0
        for size, end in zip(self._sizes[probed].tolist(), self._ends[probed].tolist(), strict=True):
            np.dot(self._rows[end - size : end], vector, out=cosines[begin : begin + size])
            places[begin : begin + size] = self.places[end - size : end]
            begin += size
        return places, cosines

    def compared(self, vector: Floats, least: int) -> int:
        """How many items `scan` compares a query with."""
        return int(self._sizes[self._probed(vector, least)].sum())

    def _probed(self, vector: Floats, least: int) -> npt.NDArray[np.int64]:
        """The nearest lists, of which the last one begins before so many items."""
        nearest = self.nearest_first(vector)
        return nearest[: np.searchsorted(self.before(nearest), least)]
