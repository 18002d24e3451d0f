"""The text form of filters: what it reads, and what it says where it cannot."""

import json
import re

import pytest

from common.errors import QueryError
from service.ranking import filters
from service.ranking.filter_json import filter_from_json
from service.ranking.filter_text import parse_filter
from service.ranking.filters import And, Filter, Not, Or, Range, Values


def has(feature: str, *values: str) -> Values:
    return Values(feature, "any", values)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("genres:drama", has("genres", "drama")),
        (" genres : drama ", has("genres", "drama")),
        ("genres:any(drama,comedy)", has("genres", "drama", "comedy")),
        ("genres:ALL( drama , comedy )", Values("genres", "all", ("drama", "comedy"))),
        ("genres:none(horror)", Values("genres", "none", ("horror",))),
        ("genres:any", has("genres", "any")),
        ('genres:"any"', has("genres", "any")),
        ('brand:"Miller & Sons"', has("brand", "Miller & Sons")),
        (r'brand:"a\"b\\c"', has("brand", 'a"b\\c')),
        ('brand:""', has("brand", "")),
        ('"my feature":x', has("my feature", "x")),
        ('"not":not', has("not", "not")),
        ("notes:and", has("notes", "and")),
        ("year:1990..1999", Range("year", 1990, 1999)),
        ("year:-1.5e2..", Range("year", -150, None)),
        ("year:..+3", Range("year", None, 3)),
        ("genres:..", has("genres", "..")),
        ('genres:"1..2"', has("genres", "1..2")),
        ("year:1995", has("year", "1995")),
        ("price<20", Range("price", None, 20, with_high=False)),
        ("price <= 20", Range("price", None, 20)),
        ("price>0.5", Range("price", 0.5, None, with_low=False)),
        ("price>=0.5", Range("price", 0.5, None)),
        ("price=9.99", Range("price", 9.99, 9.99)),
        ("a:x and b:y or c:z", Or((And((has("a", "x"), has("b", "y"))), has("c", "z")))),
        ("a:x AND (b:y Or c:z)", And((has("a", "x"), Or((has("b", "y"), has("c", "z")))))),
        ("not a:x and b:y", And((Not(has("a", "x")), has("b", "y")))),
        ("not(a:x and b:y)", Not(And((has("a", "x"), has("b", "y"))))),
        ("not not a:x", Not(Not(has("a", "x")))),
        ("жанр:драма", has("жанр", "драма")),
    ],
)
def test_filter_of_the_grammar_is_read(text: str, read: Filter) -> None:
    assert parse_filter(text, 10) == read


@pytest.mark.parametrize(
    ("text", "character", "expected"),
    [
        ("", 1, "a feature's name"),
        ("   ", 4, "a feature's name"),
        ("genres", 7, '":", "<"'),
        ("genres:", 8, "a value"),
        ("genres:any(", 12, "a value"),
        ("genres:any()", 12, "a value"),
        ("genres:any(a b)", 14, '"," or ")"'),
        ("genres:any(a,,b)", 14, "a value"),
        ("genres:a b:c", 10, '"and", "or" or the end'),
        ("(genres:a", 10, '"and", "or" or ")"'),
        ("genres:a)", 9, "the end"),
        ("genres:a and", 13, "a feature's name"),
        ("and genres:a", 1, "a feature's name"),
        ("genres:a or or b:c", 13, "a feature's name"),
        ("price<cheap", 7, "a number"),
        ("price<", 7, "a number"),
        ('price="9"', 7, "a number"),
        ("price<1e", 7, "a number"),
        ("price<1_0", 7, "a number"),
        ("price<nan", 7, "a number"),
        ("year:2000..1990", 6, "from the smaller"),
        ('brand:"open', 7, "closing quote"),
        ("not", 4, "a feature's name"),
        (":x", 1, "a feature's name"),
    ],
)
def test_text_that_is_no_filter_is_refused_with_its_place(text: str, character: int, expected: str) -> None:
    with pytest.raises(QueryError, match=rf"^filter, character {character}: .*{re.escape(expected)}"):
        parse_filter(text, 10)


def test_values_and_bounds_are_counted() -> None:
    text = "a:any(1,2,3) and b:1..2 and c<1"
    assert parse_filter(text, 6) == parse_filter(text, 100)
    with pytest.raises(QueryError, match="at most 5 values"):
        parse_filter(text, 5)
    with pytest.raises(QueryError, match="at most 50 values"):
        parse_filter(" and ".join(["a:x"] * 10_000), 50)


@pytest.mark.parametrize("nest", ["not ", "("])
def test_depth_is_bounded(nest: str) -> None:
    close = ")" if nest == "(" else ""
    parse_filter(nest * filters.MAX_DEPTH + "a:x" + close * filters.MAX_DEPTH, 10)
    with pytest.raises(QueryError, match="at most 10 of parentheses"):
        parse_filter(nest * 100_000 + "a:x" + close * 100_000, 10)


def test_received_text_is_cut_in_the_message() -> None:
    with pytest.raises(QueryError) as refused:
        parse_filter("a:x " + "y" * 100_000, 10)
    assert len(str(refused.value)) < 300


def test_examples_of_the_documentation_are_read_alike_in_both_forms() -> None:
    rows = re.findall(r"^\| `(.+?)` \| `(\{.+?\})` \|", filters.__doc__ or "", re.M)
    compared = 0
    for text, value in rows:
        read = parse_filter(text, 10)
        if "..." not in value:
            compared += 1
            assert filter_from_json(json.loads(value), 10) == read
    assert len(rows) == 11
    assert compared == 8
