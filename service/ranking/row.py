"""Ranks the scores of one query: leaves out, adjusts, and gives the best in an order that never changes."""

import numpy as np

from service.index.best import largest
from service.ranking import scoring
from service.ranking.plan import Plan
from service.ranking.query import MAX_FACTOR
from service.ranking.scoring import Scores
from service.snapshot.features import Places
from service.snapshot.snapshot import Snapshot


class Row:
    """The adjusted scores of what one query may be answered with."""

    def __init__(self, snapshot: Snapshot, plan: Plan, scores: Scores, vector: Scores | None) -> None:
        """Adjusts the scores.

        Args:
            snapshot: The items.
            plan: The query.
            scores: float32: of all items, or of those of the plan's `pool`. The row may change it.
            vector: float32 `[dim]`: the query, if the scores are its cosines in float32. None: they are exact.
        """
        self._snapshot, self._plan, self._vector, self._base = snapshot, plan, vector, scores
        pool, likeness, factors = plan.pool, None, plan.factors
        self._error = 0.0
        if vector is not None or len(plan.disliked):
            self._error = scoring.cosine_error(scoring.embedding_of(snapshot).shape[1])
        if len(plan.disliked):
            likeness = self._likeness(pool)
            self._error *= 3  # of a score, of its share that goes, and of the likeness
        if factors is not None:
            factors = factors if pool is None else factors[pool]
            self._error *= MAX_FACTOR
        adjusted = scoring.adjusted(scores, likeness, factors)
        # Where scores need no second look, the row's own are the answer: what is left out must not reach them.
        self._scores = adjusted.copy() if adjusted is scores and vector is None else adjusted
        self._leave_out()

    def best(self, m: int) -> tuple[Places, Scores]:
        """The first m of the ranking: by score, ties by place. A shorter answer is the whole ranking.

        Scores are computed again, exactly, for those that may be among the m best. So a ranking does not depend on the
        batch that the query is in, its beginning is the same for every m, and pages do not overlap.

        Args:
            m: At least 1.

        Returns:
            Places int64 `[m]` and scores float32 `[m]`.
        """
        found = largest(self._scores, m, 2 * self._error)
        places = found if self._plan.pool is None else self._plan.pool[found]
        scores = self._exact(places) if self._error else self._scores[found]
        order = np.lexsort((places, -scores))[:m]
        return places[order], scores[order]

    def _leave_out(self) -> None:
        plan = self._plan
        if plan.pool is None:
            self._scores[plan.left_out] = -np.inf
            if plan.refused is not None:
                self._scores[plan.refused] = -np.inf
        elif len(plan.pool):
            at = np.searchsorted(plan.pool, plan.left_out)
            at = np.minimum(at, len(plan.pool) - 1)
            self._scores[at[plan.pool[at] == plan.left_out]] = -np.inf

    def _likeness(self, pool: Places | None) -> Scores:
        embedding = scoring.embedding_of(self._snapshot)
        disliked = embedding[self._plan.disliked]
        # One row for each disliked item: a maximum over rows is made of whole vector instructions.
        found = scoring.products(disliked, embedding if pool is None else embedding[pool])
        return np.clip(found.max(axis=0), 0, 1)

    def _exact(self, places: Places) -> Scores:
        snapshot, plan = self._snapshot, self._plan
        if self._vector is not None:
            scores = scoring.exact_cosines_of(snapshot, self._vector, places)
        else:
            scores = self._base[places if plan.pool is None else np.searchsorted(plan.pool, places)]
        likeness = None
        if len(plan.disliked):
            vectors = scoring.embedding_of(snapshot)[plan.disliked]
            alike = [scoring.exact_cosines_of(snapshot, vector, places) for vector in vectors]
            likeness = np.clip(np.maximum.reduce(alike), 0, 1)
        return scoring.adjusted(scores, likeness, None if plan.factors is None else plan.factors[places])
