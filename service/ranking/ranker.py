"""Ranks a batch of queries on one snapshot: from the model's vectors or scores to lists of places."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.ranking import scoring
from service.ranking.begun import Begun, Ranked
from service.ranking.diversity import diverse
from service.ranking.index import Index
from service.ranking.masks import Masks
from service.ranking.max_per import Limiter, limited
from service.ranking.plan import Plan, plan
from service.ranking.query import Query
from service.ranking.row import Row
from service.ranking.scoring import Scores
from service.snapshot.features import Places
from service.snapshot.snapshot import Snapshot

_BYTES_AT_ONCE = 64 << 20
"""Scores of all items that are in memory at once: 32 queries of 500,000 items. A product of matrices reads the
embeddings once for all its queries: of 1,000,000 items, 16 queries cost a third each of what 4 cost."""


@dataclasses.dataclass(frozen=True)
class Ranking:
    """A page of a ranking.

    Attributes:
        places: int64 `[n]`, at most the query's `k`, best first.
        scores: float32 `[n]`, with boosts and dislikes. They fall from first to last, unless `diversity` was asked for.
        passed: Number of items that pass the query's filter.
        has_more: Whether another page would have items.
    """

    places: Places
    scores: Scores
    passed: int
    has_more: bool


class Ranker:
    """Ranks on one snapshot, for many threads.

    Attributes:
        snapshot: The items.
        masks: What passes the filters that were asked for.
        index: Finds the beginning of rankings by cosine alone; None if all of them are exact.
    """

    def __init__(self, snapshot: Snapshot, index: Index | None = None) -> None:
        """Begins with a snapshot, and an index of its embeddings; None for exact search."""
        self.snapshot = snapshot
        self.masks = Masks(snapshot)
        self.index = index

    def plan(self, query: Query) -> Plan:
        """Prepares a query, before it waits for a batch.

        Raises:
            QueryError: The query cannot be ranked; see `service.ranking.plan.plan`.
        """
        return plan(self.snapshot, self.masks, query)

    def scores(self, vectors: npt.NDArray[np.float32]) -> Scores:
        """What the signature `scores` gives for queries.

        Args:
            vectors: float32 `[n, dim]`, from the signature `embed_users`; zero for a user about whom nothing is known.

        Returns:
            float32 `[n, items]`: cosines, -1 for items without an embedding; popularity for a zero query.
        """
        found = scoring.cosines(self.snapshot, vectors)
        found[~vectors.any(axis=1)] = self.snapshot.popularity
        return found

    def rank(self, vectors: npt.NDArray[np.float32], plans: Sequence[Plan]) -> list[Ranking]:
        """Ranks queries of a model with embeddings.

        Without extras the answer is that of the signature `recommend`; cosines that differ by less than their rounding
        may change places. An index finds the first `service.index.recall.DEPTH` places of rankings by cosine alone,
        also of those with a filter that most items pass; other filters, boosts, dislikes, diversity and candidates are
        exact.

        Args:
            vectors: float32 `[n, dim]`, as for `scores`.
            plans: One for each query.

        Returns:
            One ranking for each query; it does not depend on the others.
        """
        is_known = np.any(vectors, axis=1)
        rankings, whole = {}, []
        for n, one in enumerate(plans):
            vector, popularity = vectors[n], self.snapshot.popularity
            if not is_known[n]:
                rankings[n] = self._page(one, popularity if one.pool is None else popularity[one.pool], None)
            elif one.pool is not None:
                scores = scoring.cosines_of(self.snapshot, vector, one.pool)
                rankings[n] = self._page(one, scores, vector)
            elif (begun := self._begun(one, vector)) is not None:
                rankings[n] = self._listed(one, begun)
            else:
                whole.append(n)
        at_once = max(_BYTES_AT_ONCE // (4 * self.snapshot.items), 1)
        for start in range(0, len(whole), at_once):
            part = whole[start : start + at_once]
            for n, row in zip(part, scoring.cosines(self.snapshot, vectors[part]), strict=True):
                rankings[n] = self._page(plans[n], row, vectors[n])
        return [rankings[n] for n in range(len(plans))]

    def rank_scores(self, scores: Scores, plans: Sequence[Plan]) -> list[Ranking]:
        """Ranks queries of a model without embeddings.

        Args:
            scores: float32 `[n, items]`, from the signature `scores`.
            plans: One for each query.

        Returns:
            One ranking for each query.
        """
        return [
            self._page(one, row if one.pool is None else row[one.pool], None)
            for one, row in zip(plans, scores, strict=True)
        ]

    def _begun(self, planned: Plan, vector: Scores) -> Begun | None:
        """A ranking that the index has begun; None if it does not rank such queries, or finds too little."""
        if self.index is None or not planned.is_by_cosine:
            return None
        beginning = self.index.beginning(vector, planned.left_out, planned.refused)
        if beginning is None:
            return None
        return Begun(
            beginning,
            lambda: Row(self.snapshot, planned, scoring.cosines(self.snapshot, vector[np.newaxis])[0], vector),
        )

    def _page(self, planned: Plan, scores: Scores, vector: Scores | None) -> Ranking:
        return self._listed(planned, Row(self.snapshot, planned, scores, vector))

    def _listed(self, planned: Plan, row: Ranked) -> Ranking:
        query = planned.query
        limiter = None
        if planned.limited is not None and query.max_per is not None:
            limiter = Limiter(planned.limited, query.max_per.n)
        end = query.offset + query.k
        # One more than is asked for tells whether there is another page.
        if query.diversity:
            embedding = scoring.embedding_of(self.snapshot)
            places, best = diverse(row, embedding, query.diversity, limiter, end + 1)
        elif limiter is not None:
            places, best = limited(row, limiter, end + 1)
        else:
            places, best = row.best(end + 1)
        page = slice(query.offset, end)
        return Ranking(places[page], best[page], planned.passed, len(places) > end)
