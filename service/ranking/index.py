"""Finds the beginning of a ranking by the snapshot's index."""

import dataclasses

import numpy as np

from service.index.best import largest
from service.index.lists import Lists
from service.index.recall import DEPTH
from service.ranking import scoring
from service.ranking.masks import Bools
from service.ranking.scoring import Scores
from service.snapshot.features import Places
from service.snapshot.snapshot import Snapshot

_LEAST_PASSING = 0.5
"""Share of the catalogue that must pass a filter. Of 1,000,000 items, an index with a recall of 0.98 had one of 0.97
with filters that leave half of them, chosen by chance, and of 0.93 with those that leave a tenth."""

_LEAST_HERE = 0.9
"""Share of the nearest lists that must pass a filter, by the share of the catalogue that does. If it is smaller, the
filter is against the query, and the best of what passes lies in other lists: of the half of the catalogue that is the
less like the query, an index finds a quarter of the best."""


@dataclasses.dataclass(frozen=True)
class Beginning:
    """The first `DEPTH` of a ranking.

    Attributes:
        places: int64 `[DEPTH]`, best first, ties by place.
        scores: float32 `[DEPTH]`: exact cosines.
    """

    places: Places
    scores: Scores


class Index:
    """The index of one snapshot, for many threads.

    What it finds for a query is the exact ranking of the items in the nearest lists. So it depends on no other query,
    and on no page: all pages of a query are parts of one ranking.
    """

    def __init__(self, snapshot: Snapshot, lists: Lists, least: int) -> None:
        """Opens the index.

        Args:
            snapshot: The items.
            lists: Its index.
            least: How many items are compared with a query at least.
        """
        self._snapshot, self._lists, self._least = snapshot, lists, least
        self._error = scoring.cosine_error(scoring.embedding_of(snapshot).shape[1])

    def beginning(self, vector: Scores, left_out: Places, refused: Bools | None = None) -> Beginning | None:
        """Finds the first `DEPTH` items of a ranking by cosine.

        Args:
            vector: float32 `[dim]`, of length 1.
            left_out: int64, ascending: places that do not come.
            refused: bool `[items]`: places that do not pass a filter; None without a filter.

        Returns:
            The beginning. None if it must be found exactly: what may come of the nearest lists is shorter, or a filter
            leaves few items, of the catalogue or of these lists, so that the best are elsewhere.
        """
        passing = 1.0 if refused is None else 1 - np.count_nonzero(refused) / len(refused)
        if passing < _LEAST_PASSING:
            return None
        places, cosines = self._lists.scan(vector, self._least)
        if refused is not None:
            is_out = refused[places]
            if 1 - np.count_nonzero(is_out) / len(is_out) < _LEAST_HERE * passing:
                return None
            cosines[is_out] = -np.inf
        found = largest(cosines, DEPTH + len(left_out), 2 * self._error)
        may_come = places[found].astype(np.int64)
        may_come = may_come[~np.isin(may_come, left_out)]
        if len(may_come) < DEPTH:
            return None
        scores = scoring.exact_cosines_of(self._snapshot, vector, may_come)
        order = np.lexsort((may_come, -scores))[:DEPTH]
        return Beginning(may_come[order], scores[order])
