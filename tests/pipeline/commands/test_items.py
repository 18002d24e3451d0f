"""`perennial items`: puts, lists and removes what the database keeps of items."""

import json
from pathlib import Path

import pytest

from pipeline.commands import cli


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    features = "{year: {kind: number, column: year}, genre: {kind: category, column: genre}}"
    catalogue = f"{{path: items.csv, item_id: item_id, title: title, features: {features}}}"
    file.write_text(f"name: shop\nlog: {{path: log.csv}}\ncatalogue: {catalogue}\noutput_dir: runs\n")
    return str(file)


def items(config: str, *arguments: str) -> int:
    return cli.main(["items", *arguments, "--config", config])


def test_items_are_put_replaced_listed_and_removed(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.csv"
    for title in ("Old", "New"):
        file.write_text(f"item_id,title,genre,year\n1,{title},a|b,1995\n2,Two,,\n")
        assert items(config, "put", str(file), "--separator", "|") == 0
    said = capsys.readouterr().out
    assert "The database has 2 item(s)" in said
    assert "set service.database.items: true" in said
    assert items(config, "list", "-k", "1", "--json") == 0
    first = {"item_id": "1", "title": "New", "features": {"genre": ["a", "b"], "year": [1995.0]}}
    assert json.loads(capsys.readouterr().out) == {"items": 2, "first": [first]}
    assert items(config, "list") == 0
    assert "2 of 2 item(s)" in capsys.readouterr().out
    assert items(config, "remove", "1", "3") == 0
    assert items(config, "remove", "1") == 1
    assert "the database has none of them" in capsys.readouterr().err


def test_file_with_a_bad_row_is_an_error_that_names_it(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "items.jsonl").write_text('{"item_id": "1"}\n')
    assert items(config, "put", str(tmp_path / "items.jsonl")) == 1
    assert "row 1: title is missing" in capsys.readouterr().err


def test_file_with_a_bad_last_row_changes_nothing(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{n},Title\n" for n in range(1200))
    (tmp_path / "items.csv").write_text(f"item_id,title\n{rows}{'i' * 2000},Title\n")
    assert items(config, "put", str(tmp_path / "items.csv")) == 1
    assert "row 1201: item_id is longer than 512 bytes" in capsys.readouterr().err
    assert items(config, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"items": 0, "first": []}
