"""The JSON form of filters: what it reads, and what it says where it cannot."""

import json
import re
from typing import Any

import pytest

from common.errors import QueryError
from service.ranking.filter_json import filter_from_json
from service.ranking.filters import MAX_DEPTH, And, Filter, Not, Or, Range, Values

X = {"feature": "a", "any": ["x"]}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (X, Values("a", "any", ("x",))),
        ({"all": ["x", "y"], "feature": "a"}, Values("a", "all", ("x", "y"))),
        ({"feature": "a", "none": [1995, 0.5]}, Values("a", "none", ("1995", "0.5"))),
        ({"feature": "a", "gte": 1}, Range("a", 1, None)),
        ({"feature": "a", "gt": 1, "lte": 1}, Range("a", 1, 1, with_low=False)),
        ({"feature": "a", "lt": -2.5}, Range("a", None, -2.5, with_high=False)),
        ({"and": [X, {"or": [X]}]}, And((Values("a", "any", ("x",)), Or((Values("a", "any", ("x",)),))))),
        ({"not": X}, Not(Values("a", "any", ("x",)))),
    ],
)
def test_filter_is_read(value: Any, read: Filter) -> None:
    assert filter_from_json(value, 10) == read


@pytest.mark.parametrize(
    ("value", "where", "expected"),
    [
        (None, "filter", "an object"),
        ("a:x", "filter", "an object"),
        ({}, "filter", '"and", "or" or "not"'),
        ({"and": [X], "or": [X]}, "filter", "one key"),
        ({"nor": [X]}, "filter", "one key"),
        ({"and": []}, "filter.and", "one filter or more"),
        ({"and": X}, "filter.and", "a list"),
        ({"and": [X, {"not": [X]}]}, "filter.and[1].not", "an object"),
        ({"feature": 3, "any": ["x"]}, "filter.feature", "name"),
        ({"feature": "a"}, "filter", "one of any, all, none"),
        ({"feature": "a", "any": ["x"], "all": ["y"]}, "filter", "one of any, all, none"),
        ({"feature": "a", "any": ["x"], "gt": 1}, "filter", "one of any, all, none"),
        ({"feature": "a", "gt": 1, "gte": 1}, "filter", "gt or gte"),
        ({"feature": "a", "lt": 1, "lte": 1}, "filter", "lt or lte"),
        ({"feature": "a", "between": 1}, "filter", "gt or gte"),
        ({"feature": "a", "any": "x"}, "filter.any", "a list"),
        ({"feature": "a", "any": []}, "filter.any", "one value or more"),
        ({"feature": "a", "any": ["x", None]}, "filter.any[1]", "text or a number"),
        ({"feature": "a", "any": [True]}, "filter.any[0]", "text or a number"),
        ({"feature": "a", "gt": "1"}, "filter.gt", "a number"),
        ({"feature": "a", "gt": True}, "filter.gt", "a number"),
        ({"feature": "a", "gt": float("nan")}, "filter.gt", "a number"),
        ({"feature": "a", "gt": float("inf")}, "filter.gt", "a number"),
        ({"feature": "a", "gt": 10**400}, "filter.gt", "a number"),
        ({"feature": "a", "gt": 2, "lt": 1}, "filter", "from the smaller"),
    ],
)
def test_value_that_is_no_filter_is_refused_with_its_place(value: Any, where: str, expected: str) -> None:
    with pytest.raises(QueryError, match=rf"^{re.escape(where)}: .*{re.escape(expected)}") as refused:
        filter_from_json(value, 10)
    assert len(str(refused.value)) < 200


def test_values_are_counted_over_the_whole_filter() -> None:
    value = {"and": [{"feature": "a", "any": ["x", "y"]}, {"feature": "b", "gt": 1, "lt": 2}]}
    filter_from_json(value, 4)
    with pytest.raises(QueryError, match="at most 3 values"):
        filter_from_json(value, 3)
    with pytest.raises(QueryError, match="at most 50 values"):
        filter_from_json({"feature": "a", "any": ["x"] * 10_000}, 50)


def test_depth_is_bounded() -> None:
    def nested(depth: int) -> Any:
        return json.loads('{"not": ' * depth + json.dumps(X) + "}" * depth)

    filter_from_json(nested(MAX_DEPTH), 10)
    with pytest.raises(QueryError, match="at most 10"):
        filter_from_json(nested(MAX_DEPTH + 1), 10)
    with pytest.raises(QueryError, match="at most 10"):
        filter_from_json(nested(300), 10)
