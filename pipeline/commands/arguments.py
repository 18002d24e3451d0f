"""Adds commands to the command line, and defines the options that several commands share.

Every command has a sentence for the list of commands, a paragraph and an example. An option that several commands
have is defined here once, so that it has one name, one default and one help text.
"""

import argparse
import shutil
import textwrap
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

Function = Callable[[argparse.Namespace], int | None]
"""The function that runs a command. It returns the exit status; None means 0."""

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """The type that `ArgumentParser.add_subparsers` returns."""

_WIDTH = 100
"""Columns of a paragraph of help on a wide terminal; longer lines are hard to read."""

_MAX_COUNT = 2**31 - 1
"""The signatures' `k` is int32."""

_FILES = ("config", "file", "job", "output", "source")
"""The names of the arguments that are files or folders."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of an example, and lists the commands of a group beside their sentences.

    argparse puts a line with the metavar above the commands, and in Python 3.10 miscounts their width.
    """

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(action, argparse._SubParsersAction):
            return "".join(map(self._format_action, self._iter_indented_subactions(action)))
        return super()._format_action(action)

    def _iter_indented_subactions(self, action: argparse.Action) -> Generator[argparse.Action, None, None]:
        yield from action._get_subactions() if isinstance(action, argparse._SubParsersAction) else ()


def add_group(parser: argparse.ArgumentParser) -> "Commands":
    """Makes a parser a group of commands; without a command, it prints its help.

    Args:
        parser: The group's parser.
    """

    def print_help(_: argparse.Namespace) -> None:
        parser.print_help()

    parser.set_defaults(command=print_help)
    return parser.add_subparsers(title="commands", metavar="COMMAND")


def add_subgroup(commands: "Commands", name: str, help: str, details: str) -> "Commands":
    """Adds a group of commands to a group.

    Args:
        commands: The group that it belongs to.
        name: Its name, a noun.
        help: What its commands do: a sentence that begins with a verb in small letters and has no full stop.
        details: A further paragraph, for its own help.
    """
    return add_group(_add_parser(commands, name, help, details, epilog=None))


def add_command(
    commands: "Commands", name: str, help: str, function: Function, *, details: str, examples: Sequence[str]
) -> argparse.ArgumentParser:
    """Adds a command to a group.

    Args:
        commands: The group.
        name: The command's name, a verb.
        help: What it does: a sentence that begins with a verb in small letters and has no full stop.
        function: The function that runs it.
        details: A further paragraph, for its own help.
        examples: Complete command lines.

    Returns:
        The command's parser, for its arguments.
    """
    epilog = "\n".join(["examples:" if len(examples) > 1 else "example:", *(f"  $ {line}" for line in examples)])
    parser = _add_parser(commands, name, help, details, epilog)
    parser.set_defaults(command=function)
    return parser


def _add_parser(
    commands: "Commands", name: str, help: str, details: str, epilog: str | None
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.\n\n{_filled(details)}",
        epilog=epilog,
        formatter_class=Formatter,
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, min(shutil.get_terminal_size().columns - 2, _WIDTH), break_on_hyphens=False)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds `--config`, which `chosen_config.load` reads."""
    parser.add_argument(
        "--config",
        metavar="YAML",
        help="read the pipeline from this file (default: $PERENNIAL_CONFIG; else the only config in the current "
        "folder; else the sample config for MovieLens 100K)",
    )


def add_purpose(parser: argparse.ArgumentParser) -> None:
    """Adds `--compare` and `--tune`, which `chosen_config.load` reads; a job does one of both."""
    purposes = parser.add_mutually_exclusive_group()
    purposes.add_argument(
        "--compare",
        action="store_true",
        help="a comparison of the models of the config's compare section, as `perennial compare` makes it",
    )
    purposes.add_argument(
        "--tune",
        action="store_true",
        help="a search of better settings of the model, as `perennial tune` makes it",
    )


def add_count(parser: argparse.ArgumentParser) -> None:
    """Adds `-k`."""
    parser.add_argument("-k", type=whole_number(_MAX_COUNT), default=10, help="list this many items (default: 10)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def add_no_cache(parser: argparse.ArgumentParser) -> None:
    """Adds `--no-cache`."""
    parser.add_argument("--no-cache", action="store_true", help="run every task; do not reuse cached results")


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Adds `--parameter`, which may be repeated."""
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a runtime parameter of the job; repeat the option for several",
    )


def add_user(parser: argparse.ArgumentParser) -> None:
    """Adds `--user`."""
    parser.add_argument("--user", help="answer for the user with this id")


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds the version that a rollback returns to."""
    parser.add_argument(
        "version",
        nargs="?",
        type=int,
        metavar="VERSION",
        help="the version to go back to (default: the newest version that holds another model and that no rollback "
        "withdrew)",
    )


def whole_number(largest: int) -> Callable[[str], int]:
    """Makes the type of an argument that is a whole number from 1 on.

    Args:
        largest: The largest number that is allowed.
    """

    def parse(text: str) -> int:
        # Check the text before `int`: `int` accepts "1_000", and takes minutes for a very long number.
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(largest)) and 1 <= int(text) <= largest):
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {largest}; received {text}")
        return int(text)

    return parse


def names_a_file(action: argparse.Action) -> bool:
    """Tells whether an argument is a file or folder, which a shell can complete."""
    return action.dest in _FILES


def subparsers_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Returns the commands of a group by name; empty if the parser is of a command.

    Args:
        parser: A group's or command's parser.
    """
    for action in parser._actions:  # argparse has no public access to them
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
