"""Boosts and limits, as URLs and JSON spell them."""

import re
from typing import Any

import pytest

from common.errors import QueryError
from service.ranking.filters import Not, Range, Values
from service.ranking.query import Boost, MaxPer, boost_from_json, parse_boost, parse_max_per

DRAMA = Values("genres", "any", ("drama",))


@pytest.mark.parametrize(
    ("text", "boost"),
    [
        ("2*genres:drama", Boost(2, DRAMA)),
        (" 1e1* not genres:drama", Boost(10, Not(DRAMA))),
        ("0.1*(year<1990)", Boost(0.1, Range("year", None, 1990, with_high=False))),
    ],
)
def test_boost_of_a_url_is_read(text: str, boost: Boost) -> None:
    assert parse_boost(text, 5) == boost


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "boost, character 1: expected a factor"),
        ("genres:drama", "boost, character 1: expected a factor"),
        ("2 genres:drama", "boost, character 1: expected a factor"),
        ("2*", "boost, character 3: expected a feature's name"),
        ("2*genres", "boost, character 9: expected"),
        ("0.09*genres:drama", "boost: expected a factor from 0.1 to 10"),
        ("11*genres:drama", "from 0.1 to 10"),
        ("-2*genres:drama", "from 0.1 to 10"),
        ("1e999*genres:drama", "from 0.1 to 10"),
        ("2*genres:any(a,b,c,d,e,f)", "at most 5 values"),
    ],
)
def test_text_that_is_no_boost_is_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        parse_boost(text, 5)


def test_boost_of_json_is_read() -> None:
    value = {"factor": 2, "filter": {"feature": "genres", "any": ["drama"]}}
    assert boost_from_json(value, 5) == Boost(2, DRAMA)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "boost[0]: expected an object with factor and filter"),
        ({"factor": 2}, "boost[0]: expected an object with factor and filter"),
        ({"factor": "2", "filter": {}}, "boost[0].factor: expected a number"),
        ({"factor": True, "filter": {}}, "boost[0].factor: expected a number"),
        ({"factor": float("nan"), "filter": {}}, "from 0.1 to 10"),
        ({"factor": 10**400, "filter": {}}, "from 0.1 to 10"),
        ({"factor": 2, "filter": {}}, "boost[0].filter: expected one key"),
    ],
)
def test_value_that_is_no_boost_is_refused(value: Any, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        boost_from_json(value, 5, "boost[0]")


@pytest.mark.parametrize(("text", "limit"), [("genres:2", MaxPer("genres", 2)), ("a:b c:10", MaxPer("a:b c", 10))])
def test_limit_of_a_url_is_read(text: str, limit: MaxPer) -> None:
    assert parse_max_per(text) == limit


@pytest.mark.parametrize("text", ["", "genres", "genres:", ":2", "genres:0", "genres:-1", "genres:2.5", "genres:٢"])
def test_text_that_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="max_per: expected"):
        parse_max_per(text)
