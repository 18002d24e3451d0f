"""Reads a filter from JSON; `service.ranking.filters` has examples."""

import math
from collections.abc import Mapping
from typing import Any

from common.errors import QueryError
from service.ranking.filters import HOW, MAX_DEPTH, And, Filter, Not, Or, Range, Values

_BOUNDS = ("gt", "gte", "lt", "lte")

_ECHO_CHARACTERS = 40
"""Longest text that a message repeats."""


def filter_from_json(value: Any, max_values: int, name: str = "filter") -> Filter:
    """Reads a filter.

    Args:
        value: What the JSON holds.
        max_values: Largest number of values and bounds in it.
        name: The query's field, for messages.

    Returns:
        The filter.

    Raises:
        QueryError: The value is no filter, or too large; the message says where and what was expected.
    """
    return _Reader(max_values).read(value, name, 0)


class _Reader:
    """Reads the parts and counts their values."""

    def __init__(self, max_values: int) -> None:
        self._left = self._max_values = max_values

    def read(self, value: Any, at: str, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise QueryError(f"{at}: expected at most {MAX_DEPTH} of and, or, not inside one another")
        if not isinstance(value, Mapping):
            raise _wrong(at, "an object with feature, and, or, not", value)
        if "feature" in value:
            return self._condition(value, at)
        [key] = value if len(value) == 1 else [None]
        if key == "not":
            return Not(self.read(value["not"], f"{at}.not", depth + 1))
        if key not in ("and", "or"):
            raise _wrong(at, 'one key: "and", "or" or "not"; or "feature" with a condition', value)
        parts = value[key]
        if not isinstance(parts, list) or not parts:
            raise _wrong(f"{at}.{key}", "a list of one filter or more", parts)
        joined = tuple(self.read(part, f"{at}.{key}[{n}]", depth + 1) for n, part in enumerate(parts))
        return And(joined) if key == "and" else Or(joined)

    def _condition(self, value: Mapping[str, Any], at: str) -> Filter:
        feature = value["feature"]
        if not isinstance(feature, str):
            raise _wrong(f"{at}.feature", "a feature's name", feature)
        keys = [key for key in value if key != "feature"]
        for how in HOW:
            if keys == [how]:
                return Values(feature, how, self._strings(value[how], f"{at}.{how}"), f"{at}.feature")
        if not keys or not set(keys) <= {*_BOUNDS} or {"gt", "gte"} <= {*keys} or {"lt", "lte"} <= {*keys}:
            raise _wrong(at, 'beside "feature" one of any, all, none; or gt or gte, and lt or lte', value)
        bounds = {key: self._number(value[key], f"{at}.{key}") for key in keys}
        low, high = bounds.get("gt", bounds.get("gte")), bounds.get("lt", bounds.get("lte"))
        if low is not None and high is not None and low > high:
            raise _wrong(at, "a range from the smaller number to the larger", value)
        return Range(feature, low, high, "gt" not in bounds, "lt" not in bounds, f"{at}.feature")

    def _strings(self, value: Any, at: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise _wrong(at, "a list of one value or more", value)
        self._count(len(value), at)
        return tuple(self._string(one, f"{at}[{n}]") for n, one in enumerate(value))

    def _string(self, value: Any, at: str) -> str:
        if isinstance(value, str):
            return value
        _finite(value, at, "text or a number")
        return repr(value)

    def _number(self, value: Any, at: str) -> float:
        self._count(1, at)
        return _finite(value, at, "a number")

    def _count(self, values: int, at: str) -> None:
        if values > self._left:
            raise QueryError(f"{at}: expected at most {self._max_values} values in the whole filter")
        self._left -= values


def _finite(value: Any, at: str, expected: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise _wrong(at, expected, value)


def _wrong(at: str, expected: str, value: Any) -> QueryError:
    # A list may be deep and long, and `repr` would go through all of it.
    is_short = (isinstance(value, str) and len(value) <= _ECHO_CHARACTERS) or isinstance(value, (float, bool))
    return QueryError(f"{at}: expected {expected}. Received: {repr(value) if is_short else type(value).__name__}")
