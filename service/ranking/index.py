"""Defines what proposes the places among which a query's best items are sought.

Exact search goes through all items, which two cores can do for catalogues of up to some 300,000 items. Beyond that an
approximate index proposes a few thousand places; the ranker then scores them as it scores what passes a filter.
"""

from collections.abc import Sequence
from typing import Protocol

from service.ranking.scoring import Scores
from service.snapshot.features import Places


class Index(Protocol):
    """Proposes places for queries without filter, boosts, dislikes, limit and diversity; these are always exact.

    Attributes:
        recall: Share of the exact best that is found, as measured on the snapshot; 1 if the search is exact.
    """

    recall: float

    def propose(self, vectors: Scores, m: Sequence[int]) -> Sequence[Places | None]:
        """Proposes places.

        Args:
            vectors: float32 `[n, dim]`, of length 1.
            m: For each query, how many places are needed at least: the ranker leaves some of them out.

        Returns:
            For each query, places int64, ascending, without doubles; None for all of the catalogue. If they do not fill
            the page, the ranker goes through the whole catalogue.
        """
        ...


class Exact:
    """Proposes the whole catalogue."""

    recall = 1.0

    def propose(self, vectors: Scores, m: Sequence[int]) -> Sequence[Places | None]:
        """Proposes everything."""
        return [None] * len(m)
