"""What passes a filter, against plain Python over the items."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import QueryError
from service.ranking.filter_text import parse_filter
from service.ranking.filters import And, Filter, Not, Or, Range, Values
from service.ranking.masks import Masks
from service.snapshot.snapshot import Snapshot
from tests.service.snapshots import Item, make_snapshot, write_version

KINDS = {"genres": "category", "brand": "text", "year": "number", "price": "number"}
GENRES = ["drama", "Drama", "comedy", "horror", "1990"]


def random_items(n: int) -> list[Item]:
    random.seed(7)
    return [
        Item(
            f"i{place}",
            features={
                "genres": random.choices(GENRES, k=random.randint(0, 3)),
                "brand": random.choice([None, ["Miller & Sons"], ["x"], [""]]),
                "year": random.choice([None, [float(random.randint(1985, 2005))], [1990.0, 2000.0]]),
                "price": [random.choice([9.99, 10.0, -0.5, 16_777_217.0])],
            },
        )
        for place in range(n)
    ]


ITEMS = random_items(300)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("masks")
    version = write_version(folder / "version", ITEMS, KINDS)
    return make_snapshot(folder / "made", [item.item_id for item in ITEMS], version=version)


def passes(item: Item, wanted: Filter) -> bool:
    if isinstance(wanted, And):
        return all(passes(item, part) for part in wanted.parts)
    if isinstance(wanted, Or):
        return any(passes(item, part) for part in wanted.parts)
    if isinstance(wanted, Not):
        return not passes(item, wanted.part)
    having: list[Any] = list(item.values(wanted.feature))
    if isinstance(wanted, Values):
        values: list[Any] = list(wanted.values)
        if KINDS[wanted.feature] == "number":
            values = [float(np.float32(value)) for value in values]
            having = [float(np.float32(value)) for value in having]
        found = [value in having for value in values]
        return {"any": any(found), "all": all(found), "none": not any(found)}[wanted.how]
    # A number of the catalogue is a float32, so a bound is one, too.
    with np.errstate(over="ignore"):
        low = -np.inf if wanted.low is None else np.float32(wanted.low)
        high = np.inf if wanted.high is None else np.float32(wanted.high)
    numbers = [np.float32(value) for value in having]
    return any(
        (low <= number if wanted.with_low else low < number) and (number <= high if wanted.with_high else number < high)
        for number in numbers
    )


@pytest.mark.parametrize(
    "text",
    [
        "genres:drama",
        "genres:Drama",
        "genres:any(drama,comedy,drama)",
        "genres:all(drama,comedy)",
        "genres:none(drama,horror)",
        "genres:nowhere",
        "genres:none(nowhere)",
        'brand:"Miller & Sons"',
        'brand:""',
        "year:1990..2000",
        "year>1990 and year<2000",
        "year>=2000",
        "year:1990",
        "year:all(1990,2000.0)",
        "year:none(1990)",
        "price=9.99",
        "price<9.99",
        "price<=9.99",
        "price:..0",
        "price=16777217",
        "price<1e300",
        "price>-1e300",
        "not year:1990..2000",
        "genres:drama and not (year<1995 or brand:x)",
        "genres:drama or genres:comedy and price>9.99",
    ],
)
def test_mask_is_that_of_plain_python(snapshot: Snapshot, text: str) -> None:
    wanted = parse_filter(text, 10)
    expected = [place for place, item in enumerate(ITEMS) if passes(item, wanted)]
    mask = Masks(snapshot).of(wanted)
    assert mask.places.tolist() == expected
    assert np.flatnonzero(mask.allowed).tolist() == expected


def test_masks_of_examples_are_neither_empty_nor_everything(snapshot: Snapshot) -> None:
    for text in ("genres:all(drama,comedy)", "year:all(1990,2000)", "price=9.99", "genres:1990"):
        assert 0 < len(Masks(snapshot).of(parse_filter(text, 10)).places) < len(ITEMS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour:red", "filter, character 1: the catalogue has no such feature. It has: brand, genres, price, year"),
        ("genres:drama and genres>3", "filter, character 18: a feature of kind category has no ranges"),
        ("brand:1..2", "kind text has no ranges"),
        ("year:old", "Write a number or a range"),
    ],
)
def test_filter_that_does_not_fit_the_catalogue_is_refused(snapshot: Snapshot, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Masks(snapshot).of(parse_filter(text, 10))


def test_mask_is_kept_whatever_place_the_filter_has_in_the_query(snapshot: Snapshot) -> None:
    masks = Masks(snapshot)
    first = masks.of(parse_filter("genres:drama", 10))
    assert masks.of(parse_filter("   genres:drama", 10)) is first
    with pytest.raises(ValueError, match="read-only"):
        first.allowed[0] = True


def test_masks_beyond_the_bytes_drop_those_asked_for_longest_ago(snapshot: Snapshot) -> None:
    masks = Masks(snapshot, max_bytes=20_000)
    first, second = parse_filter("genres:drama", 10), parse_filter("genres:comedy", 10)
    kept, dropped = masks.of(first), masks.of(second)
    for year in range(1000):
        masks.of(Range("year", year, None))
        assert masks.of(first) is kept
    assert masks.of(second) is not dropped
    assert masks.of(second).places.tolist() == dropped.places.tolist()
    assert masks._bytes <= 20_000
    assert len(masks._kept) < 20


def test_items_without_features_have_none(tmp_path: Path) -> None:
    snapshot = make_snapshot(tmp_path / "made", ["a"])
    with pytest.raises(QueryError, match="It has: none"):
        Masks(snapshot).of(parse_filter("a:x", 10))


def test_kind_without_any_value_passes_nothing(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", [Item("a"), Item("b")], KINDS)
    masks = Masks(make_snapshot(tmp_path / "made", ["a", "b"], version=version))
    assert masks.of(parse_filter("genres:x", 10)).places.tolist() == []
    assert masks.of(parse_filter("year>0", 10)).places.tolist() == []
    assert masks.of(parse_filter("genres:none(x)", 10)).places.tolist() == [0, 1]
