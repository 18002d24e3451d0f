"""Files of items: three formats that say the same, and rows that cannot be taken."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from service.database.items import ItemMetadata
from service.database.items_file import read_items

KINDS = {"year": "number", "genre": "category"}

WANTED = [
    ("007", ItemMetadata("Größe, „neu“", {"genre": ["a", "b"], "year": [1995.0]})),
    ("8", ItemMetadata("No features", {})),
]


def read(path: Path, separator: str | None = "|") -> list[tuple[str, ItemMetadata]]:
    return list(read_items(path, KINDS, separator))


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_csv_has_texts_and_numbers_where_the_catalogue_has_them(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text('\ufeffitem_id,title,genre,year\n007,"Größe, „neu“",a|b,1995\n8,No features,,\n', encoding="utf-8")
    assert read(file) == WANTED
    assert read(file, None)[0][1].features["genre"] == ["a|b"]


def test_json_lines_and_parquet_have_lists_too(tmp_path: Path) -> None:
    rows = [
        {"item_id": "007", "title": "Größe, „neu“", "genre": ["a", "b"], "year": 1995},
        {"item_id": 8, "title": "No features", "genre": None, "year": None},
    ]
    assert read(written(tmp_path / "items.jsonl", rows)) == WANTED
    whole = {name: [row[name] for row in rows] for name in ("title", "genre", "year")}
    pq.write_table(pa.table({"item_id": ["007", "8"], **whole}), tmp_path / "items.parquet")
    assert read(tmp_path / "items.parquet") == WANTED


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"title": "t"}, "row 2: item_id is missing"),
        ({"item_id": "i"}, "row 2: title is missing"),
        ({"item_id": "i" * 2000, "title": "t"}, "row 2: item_id is longer than"),
        ({"item_id": True, "title": "t"}, "item_id is missing, or is no text"),
        ({"item_id": "i", "title": "t", "year": "old"}, "year is a number in the catalogue"),
        ({"item_id": "i", "title": "t", "price": float("nan")}, "price holds what is neither texts nor finite"),
        ({"item_id": "i", "title": "t", "price": ["a", 1]}, "price holds what is neither"),
        ({"item_id": "i", "title": "t", "price": {"a": 1}}, "price holds what is neither"),
        ({"item_id": "i", "title": "t", "price": True}, "price holds what is neither"),
    ],
)
def test_row_that_cannot_be_taken_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    file = written(tmp_path / "items.jsonl", [{"item_id": "first", "title": "t"}, row])
    with pytest.raises(DataError, match=said):
        read(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("items.csv", b"item_id,title\na,b,c\n"),
        ("items.csv", b"item_id,title\na\n"),
        ("items.csv", b"item_id,title\n\xff,b\n"),
        ("items.jsonl", b'{"item_id": \n'),
        ("items.parquet", b"PAR1"),
        ("items.xlsx", b""),
    ],
)
def test_file_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read at all|its name ends with"):
        read(tmp_path / name)
    with pytest.raises(DataError):
        read(tmp_path / f"missing-{name}")
