"""Turns a query into what the ranking of a batch needs, and refuses what cannot be ranked before others wait for it."""

import dataclasses

import numpy as np

from common.errors import QueryError
from service.ranking.masks import Bools, Mask, Masks, feature_of
from service.ranking.query import MAX_FACTOR, MaxPer, Query
from service.ranking.scoring import Scores, is_unembedded
from service.snapshot.features import Numbers, Places, Words
from service.snapshot.snapshot import Snapshot

_GATHERED = 8
"""One in so many items: if fewer pass a filter, only those are scored. Copying more rows costs more than scoring all,
measured with 10,000 and 100,000 items of 64 numbers."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A query that can be ranked.

    Attributes:
        query: The query.
        pool: int64, ascending: the only places that are scored. None: all are.
        refused: bool `[items]`: which places of all do not pass the filter. None: all pass, or there is a `pool`.
        left_out: int64, ascending, without doubles: places that do not come.
        disliked: int64: places of disliked items that have an embedding.
        factors: float32 `[items]`: what boosts make of a score. None without boosts.
        limited: The feature of `max_per`; None without.
        passed: Number of items that pass the filter and are within what may come, left out or not.
    """

    query: Query
    pool: Places | None
    refused: Bools | None
    left_out: Places
    disliked: Places
    factors: Scores | None
    limited: Words | None
    passed: int

    @property
    def is_by_cosine(self) -> bool:
        """Whether many items may come, and their cosines alone decide their order."""
        is_adjusted = self.factors is not None or len(self.disliked) or self.query.diversity
        return self.pool is None and not is_adjusted


def plan(snapshot: Snapshot, masks: Masks, query: Query) -> Plan:
    """Prepares a query.

    Raises:
        QueryError: The query names a feature that is missing or of another kind, or asks for diversity of a model
            without embeddings.
    """
    if query.diversity and snapshot.embedding is None:
        raise QueryError("diversity: the model has no embeddings, so items cannot be compared. Leave it out")
    mask = None if query.filter is None else masks.of(query.filter)
    pool = _pool(snapshot, mask, query)
    refused = ~mask.allowed if mask is not None and pool is None else None
    passed = len(pool) if pool is not None else snapshot.items if mask is None else len(mask.places)
    disliked = _distinct(query.disliked)
    left_out = _distinct(query.left_out, query.disliked)
    has_vector = ~is_unembedded(snapshot, disliked) if snapshot.embedding is not None else np.zeros(len(disliked), bool)
    return Plan(
        query=query,
        pool=pool,
        refused=refused,
        left_out=left_out,
        disliked=disliked[has_vector],
        factors=_factors(snapshot, masks, query),
        limited=None if query.max_per is None else _limited(snapshot, query.max_per),
        passed=passed,
    )


def _distinct(*places: Places) -> Places:
    """The places of catalogue items, ascending, without doubles. For the few of a query a set is faster than NumPy."""
    found = set[int]().union(*(part.tolist() for part in places))
    return np.array(sorted(place for place in found if place >= 0), np.int64)


def _pool(snapshot: Snapshot, mask: Mask | None, query: Query) -> Places | None:
    if query.within is not None:
        pool = _distinct(query.within)
        return pool if mask is None else pool[mask.allowed[pool]]
    if mask is not None and len(mask.places) * _GATHERED <= snapshot.items:
        return mask.places
    return None


def _factors(snapshot: Snapshot, masks: Masks, query: Query) -> Scores | None:
    if not query.boosts:
        return None
    factors = np.ones(snapshot.items, np.float32)
    for boost in query.boosts:
        factors[masks.of(boost.filter).places] *= np.float32(boost.factor)
    return np.clip(factors, 1 / MAX_FACTOR, MAX_FACTOR)


def _limited(snapshot: Snapshot, wanted: MaxPer) -> Words:
    feature = feature_of(snapshot, wanted.feature, "max_per")
    if isinstance(feature, Numbers):
        raise QueryError("max_per: expected a feature of kind category or text. Received: one of kind number")
    return feature
