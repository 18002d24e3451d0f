"""Which columns of a catalogue are id, title and features, and how its numbers are written."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipeline.commands.init.making import CATALOGUE, CATALOGUE_HEADER, init, lines, made


def test_catalogue_id_by_the_logs_ids_title_and_features_of_each_kind(tmp_path: Path) -> None:
    log = lines(",", "user", "item", "time", header="user_id,film,time")
    (tmp_path / "log.csv").write_text(log)
    (tmp_path / "items.csv").write_text(CATALOGUE_HEADER + CATALOGUE)
    text = init(tmp_path, str(tmp_path / "log.csv"), "--catalogue", str(tmp_path / "items.csv"))
    catalogue = yaml.safe_load(text)["catalogue"]
    assert (catalogue["item_id"], catalogue["title"], catalogue["path"]) == ("film", "name", "items.csv")
    assert catalogue["features"] == {
        "title_words": {"kind": "text", "column": "name"},
        "title_year": {"kind": "number", "column": "name", "pattern": r"\((\d{4})\)"},
        "genres": {"kind": "category", "column": "genres", "separator": "|"},
        "price": {"kind": "number", "column": "price"},
        "colour": {"kind": "category", "column": "colour"},
        "row": {"kind": "number", "column": "row"},
    }
    for column, reason in {"poster": "holds links", "added": "holds dates", "empty": "is empty"}.items():
        assert f"# '{column}': {reason}" in text


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("${}.50", {"number_signs": ["$"]}),
        ("{}.50 EUR", {"number_signs": ["EUR"]}),
        ("{},50", {"decimal": ","}),
        ("1.{}00,50", {"decimal": ",", "thousands": "."}),
        ("1,{}00.50", {"thousands": ","}),
        ("1 {}00", {"thousands": " "}),
        ("1'{}00.50", {"thousands": "'"}),
        ("1 {}00,50 kr", {"decimal": ",", "thousands": " ", "number_signs": ["kr"]}),
        ("1,{}00", {"thousands": ","}),
        ("{}.50", {}),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, price: str, expected: dict[str, Any]) -> None:
    items = "".join(f"i{n};Thing {n};{price.format(n % 9 + 1)}\n" for n in range(40))
    catalogue = made(tmp_path, lines(",", "user", "item", header="user_id,item_id"), f"id;title;price\n{items}")[
        "catalogue"
    ]
    assert catalogue["format"] == {"separator": ";", **expected}
    assert catalogue["features"]["price"] == {"kind": "number", "column": "price"}


def test_codes_are_categories_and_no_prices(tmp_path: Path) -> None:
    items = "id,title,store,size\n" + "".join(f"i{n},Thing {n},S{n % 4},XL{n % 3}\n" for n in range(40))
    features = made(tmp_path, lines(",", "user", "item", header="user_id,item_id"), items)["catalogue"]["features"]
    assert {name: feature["kind"] for name, feature in features.items()} == {
        "title_words": "text", "store": "category", "size": "category",
    }  # fmt: skip


def test_numbers_in_two_ways_are_one_way_and_the_other_is_said(tmp_path: Path) -> None:
    items = "id;title;price;weight\n" + "".join(f"i{n};Thing {n};{n % 9},50;1,{n % 9}00.25\n" for n in range(40))
    (tmp_path / "log.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    (tmp_path / "items.csv").write_text(items)
    text = init(tmp_path, str(tmp_path / "log.csv"), "--catalogue", str(tmp_path / "items.csv"))
    catalogue = yaml.safe_load(text)["catalogue"]
    assert catalogue["format"] == {"separator": ";", "decimal": ","}
    assert "weight" not in catalogue["features"]
    assert "# 'weight': is written in another way than other numbers, as '1,000.25'" in text
