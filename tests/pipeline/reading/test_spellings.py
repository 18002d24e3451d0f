"""Ids that are written in several ways: found among any ids, and joined as the config says."""

import random

import numpy as np
import pyarrow as pa
import pytest

from configs.ids import Ids
from pipeline.reading import spellings

ONE_ID = ["7", "7.0", "7.", "7.000", "7 ", " 7", "\t7", "7\u00a0", " 7.0 ", "\u20037"]
DIFFERENT = [
    "7",
    "07",
    "7.5",
    "7.01",
    "-7",
    "7,0",
    "7e0",
    "a7",
    "7 7",
    "A",
    "a",
    "é",
    "e\u0301",
    "",
    "7.0.0",
    ".0",
    "0",
]


@pytest.mark.parametrize("other", ONE_ID[1:])
@pytest.mark.parametrize("rest", [[], DIFFERENT[1:]])
def test_find_two_spellings_of_one_id(other: str, rest: list[str]) -> None:
    ids = ["7", *rest, other]
    found = spellings.find(pa.array(ids), np.arange(1, len(ids) + 1))
    assert found == spellings.Spellings(1, (tuple(sorted([("7", 1), (other, len(ids))])),))
    assert "1 id(s) are written in several ways, such as " in found.describe()


def test_find_spellings_that_are_all_unusual() -> None:
    found = spellings.find(pa.array(["7.0", "8.0", "7 ", "9.0"]), np.ones(4, np.int64))
    assert found == spellings.Spellings(1, ((("7 ", 1), ("7.0", 1)),))


@pytest.mark.parametrize("ids", [[], DIFFERENT, ["7.0", "8.0"], ["7 ", "8 "], [" leading", "trailing ", " "]])
def test_find_nothing_where_each_id_is_written_in_one_way(ids: list[str]) -> None:
    assert spellings.find(pa.array(ids, pa.string()), np.ones(len(ids), np.int64)) == spellings.NONE


def test_find_ids_without_rows_do_not_count() -> None:
    assert spellings.find(pa.array(["7", "7.0"]), np.array([3, 0])) == spellings.NONE


def test_find_many_in_any_order_shows_some() -> None:
    ids = [f"{n}{end}" for n in range(50) for end in ("", ".0", " ")] + ["x", "y "]
    random.Random(0).shuffle(ids)
    found = spellings.find(pa.array(ids), np.ones(len(ids), np.int64))
    assert (found.count, len(found.examples)) == (50, 3)
    assert spellings.merge([found, spellings.NONE, found]).count == 100
    assert len(spellings.merge([found, found]).examples) == 3


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (Ids(), ["7", "7.0", " 7 ", " 7.0", "07.0", "a.0", "7.50"]),
        (Ids(trim=True), ["7", "7.0", "7", "7.0", "07.0", "a.0", "7.50"]),
        (Ids(integral=True), ["7", "7", " 7 ", " 7.0", "07", "a.0", "7.50"]),
        (Ids(trim=True, integral=True), ["7", "7", "7", "7", "07", "a.0", "7.50"]),
    ],
)
def test_joined_as_the_config_says(ids: Ids, expected: list[str]) -> None:
    texts = pa.array(["7", "7.0", " 7 ", " 7.0", "07.0", "a.0", "7.50"])
    assert spellings.joined(texts, ids).to_pylist() == expected
