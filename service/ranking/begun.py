"""A ranking whose beginning an index has found; what comes after it is exact."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from service.ranking.index import Beginning
from service.ranking.scoring import Scores
from service.snapshot.features import Places


class Ranked(Protocol):
    """A ranking, from which lists are made."""

    def best(self, m: int) -> tuple[Places, Scores]:
        """The first m of the ranking; see `service.ranking.row.Row.best`."""
        ...


class Begun:
    """The beginning, and after it all items that come after its last one in the exact ranking.

    So no item comes twice, scores only fall, and a page is the same whatever else is asked. Items that the index has
    missed do not come: that is its recall.
    """

    def __init__(self, beginning: Beginning, exact: Callable[[], Ranked]) -> None:
        """Begins a ranking.

        Args:
            beginning: What the index has found.
            exact: Makes the exact ranking, which costs as much as if there were no index. Called at most once.
        """
        self._beginning, self._exact = beginning, exact
        self._row: Ranked | None = None

    def best(self, m: int) -> tuple[Places, Scores]:
        """The first m of the ranking; a shorter answer is the whole of it."""
        places, scores = self._beginning.places, self._beginning.scores
        if m <= len(places):
            return places[:m], scores[:m]
        after = self._after(m - len(places))
        return np.concatenate([places, after[0]]), np.concatenate([scores, after[1]])

    def _after(self, m: int) -> tuple[Places, Scores]:
        """The first m of the exact ranking after the last item of the beginning."""
        if self._row is None:
            self._row = self._exact()
        place, score = self._beginning.places[-1], self._beginning.scores[-1]
        # As many come before, and the few that the index has missed.
        length = m + 2 * len(self._beginning.places)
        while True:
            places, scores = self._row.best(length)
            is_after = (scores < score) | ((scores == score) & (places > place))
            if np.count_nonzero(is_after) >= m or len(places) < length:
                return places[is_after][:m], scores[is_after][:m]
            length *= 2
