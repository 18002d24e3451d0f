"""Which YAML a command reads where none, one or several could be meant."""

import argparse
from pathlib import Path

import pytest

from common.errors import ConfigError
from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG
from pipeline.commands.chosen_config import chosen, configs_in, load

CONFIG = "name: shop\nlog: {path: log.csv}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, an empty one."""
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_chosen_named_wins_over_variable_and_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shop.yaml").write_text(CONFIG)
    monkeypatch.setenv(CONFIG_VARIABLE, "variable.yaml")
    assert chosen("named.yaml") == "named.yaml"
    assert chosen(None) == "variable.yaml"
    assert capsys.readouterr() == ("", "")


def test_chosen_only_config_of_the_folder_is_taken_and_named_on_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shop.yml").write_text(CONFIG)
    (folder / "compose.yaml").write_text("services: {}\n")
    assert load(argparse.Namespace(config=None)).name == "shop"
    assert capsys.readouterr() == ("", "Config: shop.yml, the only one in this folder.\n")


def test_chosen_several_configs_are_listed_and_none_is_taken(folder: Path) -> None:
    for name in ("books.yaml", "shop.yaml"):
        (folder / name).write_text(CONFIG)
    with pytest.raises(ConfigError, match=r"has 2 pipeline configs: books\.yaml, shop\.yaml\. Name one with --config"):
        chosen(None)


def test_chosen_empty_folder_sample_is_taken_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen(None) == str(DEFAULT_CONFIG)
    said = capsys.readouterr()
    assert said.err == "Config: the sample movielens-100k.yaml, since none is named and this folder has none.\n"
    assert said.out == ""


def test_chosen_config_that_is_no_yaml_is_still_meant(folder: Path) -> None:
    (folder / "shop.yaml").write_text(CONFIG + "trainer: {epochs: 3\n")
    with pytest.raises(ConfigError, match=r"shop\.yaml: is not YAML"):
        load(argparse.Namespace(config=None))


@pytest.mark.parametrize(
    "text",
    [
        "name: CI\non: push\n",
        "- name: shop\n  log: x\n",
        "a: !custom\n  name: x\n  log: x\n",
        "",
        "log: {level: 3}\n",
        CONFIG + "x" * (1 << 17),
    ],
)
def test_configs_in_other_yaml_is_no_config(folder: Path, text: str) -> None:
    (folder / "other.yaml").write_text(text)
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00name: x\nlog: x")
    (folder / "folder.yaml").mkdir()
    assert configs_in(folder) == []


UNREADABLE = {
    "deep": f"d: {'[' * 600}\n",
    "no timestamp": "d: !!timestamp x\n",
    "no truth value": "d: !!bool x\n",
    "no number": "d: !!int ''\n",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_configs_in_yaml_that_cannot_be_read_counts_only_with_the_fields_of_a_config(folder: Path, text: str) -> None:
    (folder / "other.yaml").write_text(text)
    assert configs_in(folder) == []
    (folder / "shop.yaml").write_text(CONFIG + text)
    assert configs_in(folder) == [folder / "shop.yaml"]
    with pytest.raises(ConfigError, match=r"shop\.yaml: is not YAML: "):
        load(argparse.Namespace(config=None))


def test_configs_in_config_with_an_unknown_field_is_one(folder: Path) -> None:
    (folder / "shop.yaml").write_text(CONFIG + "epochs: 3\n")
    assert configs_in(folder) == [folder / "shop.yaml"]
