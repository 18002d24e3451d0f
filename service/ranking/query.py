"""Defines what a query may ask of a ranking, and reads the parts that have a form of their own: boosts and limits."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from common.errors import QueryError
from service.ranking.filter_json import filter_from_json
from service.ranking.filter_text import NUMBER, parse_filter
from service.ranking.filters import Filter
from service.snapshot.features import Places

MAX_FACTOR = 10.0
"""Largest factor of a boost, and of all boosts of an item together; the smallest is its inverse. Ten times the score is
ahead of nearly everything; more would be a filter, and is better written as one."""

NOTHING: Places = np.zeros(0, np.int64)
"""No places."""

_BOOST = re.compile(rf"\s*({NUMBER})\*", re.A)
_MAX_PER = re.compile(r"(.+):(\d{1,9})", re.S | re.A)


@dataclasses.dataclass(frozen=True)
class Boost:
    """A factor on the scores of the items that pass a filter: above 1 they rise, below 1 they fall.

    Attributes:
        factor: From `1 / MAX_FACTOR` to `MAX_FACTOR`.
        filter: The items.
    """

    factor: float
    filter: Filter


@dataclasses.dataclass(frozen=True)
class MaxPer:
    """A list holds at most some items with the same value of a feature; items without a value are not counted.

    Attributes:
        feature: A feature of categories or texts.
        n: At least 1.
    """

    feature: str
    n: int


@dataclasses.dataclass(frozen=True)
class Query:
    """What is asked of one ranking.

    Attributes:
        k: Largest number of items, at least 1.
        offset: Items of the ranking that are passed over, for pages.
        left_out: Places that must not come, int64; below 0 is nothing.
        within: The only places that may come, int64, in any order; below 0 is nothing. None: the whole catalogue.
        filter: What must hold of items.
        boosts: Factors on scores.
        disliked: Places of disliked items, int64; below 0 is nothing. They do not come, and what is like them falls.
        max_per: Limit on items with the same value.
        diversity: From 0, the plain ranking, to 1: how much an item's unlikeness to those above it counts.
    """

    k: int
    offset: int = 0
    left_out: Places = dataclasses.field(default_factory=lambda: NOTHING)
    within: Places | None = None
    filter: Filter | None = None
    boosts: tuple[Boost, ...] = ()
    disliked: Places = dataclasses.field(default_factory=lambda: NOTHING)
    max_per: MaxPer | None = None
    diversity: float = 0.0


def parse_boost(text: str, max_values: int) -> Boost:
    """Reads a boost of a URL: a factor and a filter, as in `2*genres:drama` or `0.5*(year<1990 or genres:horror)`.

    Args:
        text: The text.
        max_values: As in `parse_filter`.

    Raises:
        QueryError: The text is no boost; the message says where and what was expected.
    """
    found = _BOOST.match(text)
    if found is None:
        raise QueryError("boost, character 1: expected a factor, * and a filter. An example: 2*genres:drama")
    return Boost(_factor(float(found[1]), "boost"), parse_filter(text, max_values, "boost", found.end()))


def boost_from_json(value: Any, max_values: int, name: str = "boost") -> Boost:
    """Reads a boost from JSON: `{"factor": 2, "filter": {"feature": "genres", "any": ["drama"]}}`.

    Raises:
        QueryError: The value is no boost; the message says where and what was expected.
    """
    if not isinstance(value, Mapping) or {*value} != {"factor", "filter"}:
        raise QueryError(f"{name}: expected an object with factor and filter")
    factor = value["factor"]
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise QueryError(f"{name}.factor: expected a number. Received: {type(factor).__name__}")
    return Boost(_factor(factor, f"{name}.factor"), filter_from_json(value["filter"], max_values, f"{name}.filter"))


def parse_max_per(text: str) -> MaxPer:
    """Reads a limit of a URL: `genres:2`.

    Raises:
        QueryError: The text is no limit.
    """
    found = _MAX_PER.fullmatch(text)
    if found is None or not int(found[2]):
        raise QueryError("max_per: expected a feature's name, a colon and a number from 1 on. An example: genres:2")
    return MaxPer(found[1], int(found[2]))


def _factor(factor: float, at: str) -> float:
    if not 1 / MAX_FACTOR <= factor <= MAX_FACTOR:
        # What was received is not repeated: an integer of JSON may have a thousand digits.
        raise QueryError(f"{at}: expected a factor from {1 / MAX_FACTOR:g} to {MAX_FACTOR:g}")
    return float(factor)
