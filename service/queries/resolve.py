"""Turns a query of the API into what the model and the ranking of one version are asked.

A history is made of three parts, oldest first: what the version knows of the user, what the user has done since, and
the lists of the query: `items`, `browsed`, `basket`, `purchased`. An item that comes several times keeps its last place
and its largest weight.

What the user met is left out by the model's own rule. `items`, `basket` and `purchased` of the query are left out in
any case, as nobody asks what goes with an item to get that item.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.backends.question import Question
from service.queries.query import Shape, Taste
from service.ranking import query as ranking
from service.ranking.filter_json import filter_from_json
from service.ranking.filter_text import parse_filter
from service.ranking.filters import Filter
from service.snapshot.features import Places
from service.snapshot.histories import History
from service.snapshot.snapshot import Snapshot

Met = tuple[str, float]
"""An item that a user has met, and what that weighs."""

MAX_HISTORY = 500
"""Longest history that a model is asked with; the newest count. It bounds a call; models pool far fewer."""


@dataclass(frozen=True)
class Weights:
    """What an item of a list of the query weighs; a plain like weighs 1."""

    browsed: float
    basket: float
    purchased: float


@dataclass(frozen=True)
class Subject:
    """Whom a query is for, in terms of one version."""

    question: Question
    met: Places
    """int64: places of the items of the history, oldest first."""

    left_out: Places
    """int64: what is not recommended again."""

    disliked: Places
    """int64."""

    unknown: tuple[str, ...]
    """Items of the query that the catalogue lacks, without doubles."""

    asked_items: int
    """Number of item ids in the query."""

    basis: tuple[str, ...]
    """What there is to go by: `history`, `events`, `items`."""


def subject(
    taste: Taste, snapshot: Snapshot, weights: Weights, known: History | None = None, recent: Sequence[Met] = ()
) -> Subject:
    """Resolves whom a query is for.

    Args:
        taste: The query.
        snapshot: The version's.
        weights: Of the query's lists.
        known: What the version knows of the user.
        recent: What the user has done since the version was made, oldest first, with weights.
    """
    met: list[tuple[int, float]] = []
    if known is not None:
        met += zip(known.places.tolist(), known.weights.tolist(), strict=True)
    since = _placed(snapshot, recent)
    unknown: dict[str, None] = {}

    def placed(item_ids: Sequence[str]) -> list[int]:
        if not item_ids:
            return []
        places = snapshot.places_or_none(item_ids)
        if None in places:
            unknown.update((item_id, None) for item_id, place in zip(item_ids, places, strict=True) if place is None)
        return [place for place in places if place is not None]

    given: list[tuple[int, float]] = []
    in_any_case: list[int] = []
    for item_ids, weight, never_again in (
        (taste.items, 1.0, True),
        (taste.browsed, weights.browsed, False),
        (taste.basket, weights.basket, True),
        (taste.purchased, weights.purchased, True),
    ):
        found = placed(item_ids)
        given += [(place, weight) for place in found]
        if never_again:
            in_any_case += found
    disliked = placed(taste.dislike)
    history = _once_each([*met, *since, *given])[-MAX_HISTORY:]
    met_places, met_weights = zip(*history, strict=True) if history else ((), ())
    places, weighed = np.array(met_places, np.int64), np.array(met_weights, np.float32)
    return Subject(
        question=Question(taste.user or "", tuple([snapshot.item_ids[place] for place in met_places]), met_weights),
        met=places,
        left_out=np.concatenate([snapshot.left_out(places, weighed), np.array(in_any_case, np.int64)]),
        disliked=np.array(disliked, np.int64),
        unknown=tuple(unknown),
        asked_items=sum(map(len, (taste.items, taste.browsed, taste.basket, taste.purchased, taste.dislike))),
        basis=tuple(name for name, part in (("history", met), ("events", since), ("items", given)) if part),
    )


def ranking_query(
    shape: Shape, whom: Subject, snapshot: Snapshot, *, k: int, offset: int, max_terms: int
) -> ranking.Query:
    """Makes the query of a ranking.

    Args:
        shape: What is asked of the list.
        whom: Whom it is for.
        snapshot: The version's.
        k: Number of items.
        offset: Items that are passed over.
        max_terms: Largest number of values in a filter.

    Raises:
        QueryError: A filter, boost or limit cannot be read.
    """
    return ranking.Query(
        k=k,
        offset=offset,
        left_out=np.concatenate([whom.left_out, snapshot.places_of(shape.exclude)]),
        filter=None if shape.filter is None else wanted(shape.filter, max_terms),
        boosts=tuple(
            ranking.parse_boost(one, max_terms)
            if isinstance(one, str)
            else ranking.boost_from_json(one, max_terms, f"boost[{n}]")
            for n, one in enumerate(shape.boost)
        ),
        disliked=whom.disliked,
        max_per=None if shape.max_per is None else ranking.parse_max_per(shape.max_per),
        diversity=shape.diversity,
    )


def wanted(given: object, max_terms: int) -> Filter:
    """Reads a filter, from text or JSON.

    Raises:
        QueryError: It cannot be read.
    """
    return parse_filter(given, max_terms) if isinstance(given, str) else filter_from_json(given, max_terms)


def _placed(snapshot: Snapshot, items: Sequence[Met]) -> list[tuple[int, float]]:
    """Items with their places; those that the catalogue lacks say nothing to the model."""
    places = snapshot.places_or_none([item_id for item_id, _ in items])
    return [(place, weight) for place, (_, weight) in zip(places, items, strict=True) if place is not None]


def _once_each(met: list[tuple[int, float]]) -> list[tuple[int, float]]:
    found = dict(met)
    if len(found) == len(met):
        return met
    found.clear()
    for place, weight in met:
        found[place] = max(weight, found.pop(place, 0.0))
    return list(found.items())
