"""Every `perennial` command in the documents is one that the command line takes, and every target one of `make`."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from pipeline.commands import cli
from tests.docs.markdown import DOCUMENTS, ROOT, fences, name, spans

TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def _in_blocks(document: Path) -> list[str]:
    lines = [line for block in fences(document, "") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?perennial ", line)]


def _in_text(document: Path) -> list[str]:
    return [span for span in spans(document) if span.startswith("perennial ")]


COMMANDS = [
    pytest.param(line, id=f"{name(document)}-{line}") for document in DOCUMENTS for line in _in_blocks(document)
]
MENTIONS = sorted({(name(document), span) for document in DOCUMENTS for span in _in_text(document)})


def _refused(command: str) -> bool:
    """Whether the command line ends with an error; to print a help or a version is none."""
    _, *arguments = shlex.split(command, comments=True)
    try:
        cli._parser().parse_args(arguments)
    except SystemExit as e:
        return e.code != 0
    return False


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_a_code_block_is_taken(command: str) -> None:
    assert not _refused(command)


@pytest.mark.parametrize(("document", "mention"), MENTIONS)
def test_command_in_the_text_exists(document: str, mention: str) -> None:
    # Its words alone: in a text, `perennial vertex compile` is named without its arguments.
    words = [word for word in shlex.split(mention)[1:] if re.fullmatch(r"[a-z]+", word)]
    parser = cli._parser()
    for word in words:
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not groups:
            break  # the rest are arguments, such as `latest`
        assert word in groups[0].choices, f"{document}: {mention}"
        parser = groups[0].choices[word]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_command_in_the_head_of_a_config_is_taken(config: Path) -> None:
    commands = re.findall(r"^# {5}(perennial .*?)(?: {5}.*)?$", config.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert not _refused(command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_make_targets_exist(document: Path) -> None:
    commands = [*spans(document), *(line for block in fences(document, "") for line in block.splitlines())]
    named = {match[1] for command in commands if (match := re.match(r"make ([a-z-]+)", command))}
    assert named <= TARGETS


def test_command_that_does_not_exist_is_refused() -> None:
    assert _refused("perennial runs enumerate")


def test_documents_hold_commands() -> None:
    assert len(COMMANDS) >= 15
    assert len(MENTIONS) >= 15
