"""The whole command line: every command explains itself, in the same words as the others."""

import argparse
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator

import pytest

from pipeline.commands import cli
from pipeline.commands.arguments import subparsers_of, whole_number

VERBS = {
    "answer",
    "ask",
    "cancel",
    "check",
    "compare",
    "compile",
    "create",
    "export",
    "fetch",
    "find",
    "forget",
    "list",
    "make",
    "pause",
    "print",
    "rank",
    "recommend",
    "rehearse",
    "remove",
    "resume",
    "run",
    "search",
    "send",
    "show",
    "start",
    "take",
    "train",
    "write",
}
"""With which the help of a command or group may begin."""

Node = tuple[tuple[str, ...], str, argparse.ArgumentParser]
"""A command or group: its path below `perennial`, its help in the list of its group, its parser."""


def _nodes(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Node]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, below in action.choices.items():
                yield (*path, name), helps[name] or "", below
                yield from _nodes(below, (*path, name))


NODES = list(_nodes(cli._parser()))
LEAVES = [node for node in NODES if not subparsers_of(node[2])]


def _named(nodes: list[Node]) -> "list[pytest.param]":  # type: ignore[valid-type]
    return [pytest.param(*node, id=" ".join(node[0])) for node in nodes]


def test_commands_are_these() -> None:
    assert [" ".join(path) for path, _, _ in LEAVES] == [
        "init",
        "check",
        "run",
        "compare",
        "tune",
        "refresh",
        "runs list",
        "runs show",
        "runs diff",
        "versions list",
        "versions rollback",
        "recommend",
        "similar",
        "neighbours",
        "serve",
        "events export",
        "forget",
        "users key",
        "users hash",
        "users list",
        "users put",
        "users remove",
        "items put",
        "items list",
        "items remove",
        "query recommend",
        "query rank",
        "query why",
        "query similar",
        "query item",
        "query search",
        "query popular",
        "query latest",
        "query model",
        "query event",
        "replay",
        "datasets list",
        "datasets fetch",
        "vertex compile",
        "vertex lint",
        "vertex rehearse",
        "vertex submit",
        "vertex runs list",
        "vertex runs show",
        "vertex runs cancel",
        "vertex schedules list",
        "vertex schedules put",
        "vertex schedules pause",
        "vertex schedules resume",
        "vertex versions list",
        "vertex versions rollback",
        "doctor",
        "completion",
    ]


@pytest.mark.parametrize(("path", "help", "parser"), _named(NODES))
def test_help_begins_with_a_verb_and_is_the_first_sentence_of_the_description(
    path: tuple[str, ...], help: str, parser: argparse.ArgumentParser
) -> None:
    assert help.split()[0].rstrip(",") in VERBS
    assert not help.endswith(".")
    sentence, details = (parser.description or "").split("\n\n")
    assert sentence == f"{help[0].upper()}{help[1:]}."
    assert re.fullmatch(r"[A-Z`$].*\.", details, flags=re.DOTALL)


@pytest.mark.parametrize(("path", "help", "parser"), _named(LEAVES))
def test_command_has_examples_that_parse(path: tuple[str, ...], help: str, parser: argparse.ArgumentParser) -> None:
    title, *lines = (parser.epilog or "").splitlines()
    assert title == ("example:" if len(lines) == 1 else "examples:")
    for line in lines:
        prompt, program, *arguments = shlex.split(line, comments=True)
        assert (prompt, program, tuple(arguments[: len(path)])) == ("$", "perennial", path)
        before_redirection = arguments[: arguments.index(">")] if ">" in arguments else arguments
        parsed = cli._parser().parse_args(before_redirection)
        assert callable(parsed.command)


@pytest.mark.parametrize(("path", "help", "parser"), _named(LEAVES))
def test_every_argument_has_a_help_without_full_stop(
    path: tuple[str, ...], help: str, parser: argparse.ArgumentParser
) -> None:
    for action in parser._actions:
        assert action.help, action.dest
        assert not action.help.endswith("."), action.dest


def test_option_has_the_same_help_default_and_metavar_wherever_it_is() -> None:
    found = defaultdict(set)
    for _, _, parser in LEAVES:
        for action in parser._actions:
            for option in action.option_strings:
                found[option].add((action.help, str(action.default), action.metavar))
    assert {"--config", "--json", "--no-cache", "--parameter", "--job", "--image", "--run", "-k"} <= found.keys()
    found.pop("--output")  # each command writes a file of its own
    assert [option for option, definitions in found.items() if len(definitions) > 1] == []


def test_group_is_a_noun_and_no_group_is_a_command_too() -> None:
    groups = {path for path, _, parser in NODES if subparsers_of(parser)}
    assert groups == {
        ("runs",),
        ("versions",),
        ("events",),
        ("users",),
        ("items",),
        ("query",),
        ("datasets",),
        ("vertex",),
        ("vertex", "runs"),
        ("vertex", "schedules"),
        ("vertex", "versions"),
    }
    for path, _, parser in NODES:
        if path in groups:
            assert parser._defaults["command"].__name__ == "print_help"


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5", "", "1001", "1_0", "٣", "9" * 5000])
def test_whole_number_other_text_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"^must be a whole number from 1 to 1000; received "):
        whole_number(1000)(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("1000", 1000), ("0007", 7)])
def test_whole_number_up_to_the_largest_is_taken(text: str, number: int) -> None:
    assert whole_number(1000)(text) == number


@pytest.mark.parametrize("command", ["compile", "rehearse", "submit", "schedules put", "schedules pause"])
def test_job_that_compares_and_tunes_at_once_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli._parser().parse_args(["vertex", *command.split(), "--compare", "--tune"])
    assert ended.value.code == 2
    assert "--tune: not allowed with argument --compare" in capsys.readouterr().err
