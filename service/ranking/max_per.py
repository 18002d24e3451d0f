"""Limits how many items of a list have the same value of a feature, going down the ranking until the list is full."""

from collections.abc import Iterable

import numpy as np

from service.ranking.begun import Ranked
from service.ranking.masks import Bools
from service.ranking.scoring import Scores
from service.snapshot.features import Places, Words

_FIRST = 64
"""Length of the first part of a ranking that is looked at: a page of ten seldom needs more."""

_GROWTH = 4
"""How much longer each next part is: so the parts before it cost a third of the last one."""


class Limiter:
    """Counts the values of the items that a list has taken."""

    def __init__(self, feature: Words, n: int) -> None:
        """Begins an empty list.

        Args:
            feature: The feature.
            n: Largest number of items with the same value.
        """
        self._feature, self._n = feature, n
        self._taken = np.zeros(feature.values, np.int32)

    def is_open(self, places: Places) -> Bools:
        """Which items could be taken now: bool `[m]` for places `[m]`. An item without a value always can."""
        numbers, owner = self._feature.numbers_of(places)
        is_open = np.ones(len(places), np.bool_)
        is_open[owner[self._taken[numbers] >= self._n]] = False
        return is_open

    def values_of(self, places: Places) -> list[list[int]]:
        """The numbers of the values of each item, without doubles."""
        numbers, owner = self._feature.numbers_of(places)
        starts, plain = np.searchsorted(owner, np.arange(len(places) + 1)).tolist(), numbers.tolist()
        return [list(dict.fromkeys(plain[starts[n] : starts[n + 1]])) for n in range(len(places))]

    def take(self, values: Iterable[int]) -> bool:
        """Takes an item with these values, unless one of them is full; returns whether it was taken."""
        values = list(values)
        if any(self._taken[value] >= self._n for value in values):
            return False
        self._taken[values] += 1
        return True


def limited(row: Ranked, limiter: Limiter, m: int) -> tuple[Places, Scores]:
    """The first m of a ranking that the limiter takes, one after the other; see `Ranked.best`."""
    taken: list[tuple[Places, Scores]] = []
    missing, done, length = m, 0, max(_FIRST, m)
    while True:
        places, scores = row.best(length)
        # What is full now stays so: it goes at once, and few are left to look at one by one.
        candidates = done + np.flatnonzero(limiter.is_open(places[done:]))
        chosen: list[int] = []
        for position, values in zip(candidates.tolist(), limiter.values_of(places[candidates]), strict=True):
            if len(chosen) == missing:
                break
            if limiter.take(values):
                chosen.append(position)
        taken.append((places[chosen], scores[chosen]))
        missing -= len(chosen)
        if not missing or len(places) < length:
            return np.concatenate([part[0] for part in taken]), np.concatenate([part[1] for part in taken])
        done, length = len(places), length * _GROWTH
