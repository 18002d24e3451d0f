"""`perennial datasets`."""

import json

import pytest

from pipeline.commands import cli
from tests.real_data import real_data


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """PERENNIAL_DATA, not yet made."""
    folder = tmp_path / "data"
    monkeypatch.setenv("PERENNIAL_DATA", str(folder))
    return folder


@pytest.fixture
def run(monkeypatch, data_folder):
    monkeypatch.setenv("COLUMNS", "250")
    return lambda *argv: cli.main(["datasets", *argv])


def test_list_names_every_data_set_its_licence_and_whether_it_is_here(run, capsys, data_folder):
    (data_folder / "books-40m").mkdir(parents=True)
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    state = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in lines if line.startswith("│")}
    assert state["books-40m"] == "yes"
    assert state["movielens-100k"] == "no"
    assert any("CC BY-NC-SA 4.0" in line for line in lines)


def test_list_as_json_says_the_same(run, capsys, data_folder):
    (data_folder / "books-40m").mkdir(parents=True)
    assert run("list", "--json") == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name for name, row in listed.items() if row["here"]} == {"books-40m"}
    assert "CC BY-NC-SA 4.0" in listed["retailrocket"]["licence"]
    assert listed["movielens-100k"]["what"] == "100,000 ratings of 1,682 films by 943 users, 1997-98"


def test_fetch_from_a_folder_brings_it_here(run, capsys, data_folder):
    assert run("fetch", "movietweetings", "--from", str(real_data("movietweetings"))) == 0
    assert "ratings.dat: 100,000 lines" in capsys.readouterr().out
    assert (data_folder / "movietweetings/ratings.dat").is_file()


@pytest.mark.parametrize("argv", [("fetch",), ("fetch", "netflix")])
def test_without_a_known_name_the_usage_is_shown(run, capsys, argv):
    with pytest.raises(SystemExit, match="2"):
        run(*argv)
    assert "usage:" in capsys.readouterr().err
