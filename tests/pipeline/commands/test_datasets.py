"""`perennial datasets`, as a command line that carries it sees it."""

import argparse

import pytest

from pipeline.commands.datasets import add_parser
from tests.real_data import real_data


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")

    def call(*argv):
        parser = argparse.ArgumentParser()
        add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args(["datasets", *argv])
        args.command(args)

    return call


def test_list_names_every_data_set_its_licence_and_whether_it_is_here(run, capsys, data_folder):
    (data_folder / "books-40m").mkdir(parents=True)
    run("list")
    lines = capsys.readouterr().out.splitlines()
    state = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in lines if line.startswith("│")}
    assert state["books-40m"] == "yes"
    assert state["movielens-100k"] == "no"
    assert any("CC BY-NC-SA 4.0" in line for line in lines)


def test_fetch_from_a_folder_brings_it_here(run, capsys, data_folder):
    run("fetch", "movietweetings", "--from", str(real_data("movietweetings")))
    assert "ratings.dat: 100,000 lines" in capsys.readouterr().out
    assert (data_folder / "movietweetings/ratings.dat").is_file()


@pytest.mark.parametrize("argv", [(), ("fetch",), ("fetch", "netflix")])
def test_without_a_command_or_a_known_name_the_usage_is_shown(run, capsys, argv):
    with pytest.raises(SystemExit):
        run(*argv)
    assert "usage:" in capsys.readouterr().err
