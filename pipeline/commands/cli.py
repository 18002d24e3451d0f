"""Defines and runs the `perennial` command."""

import argparse
import functools
import sys
from collections.abc import Sequence
from importlib import metadata

from common.errors import PerennialError
from pipeline.commands import (
    batch,
    check,
    compare,
    completion,
    datasets,
    doctor,
    events,
    forget,
    init,
    items,
    model,
    refresh,
    replay,
    run,
    serve,
    tune,
    users,
)
from pipeline.commands.arguments import Formatter, add_group
from pipeline.commands.query import cli as query_cli
from pipeline.commands.runs import cli as runs_cli
from pipeline.commands.versions import cli as versions_cli
from pipeline.commands.vertex import cli as vertex_cli


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Arguments; None for the process's own.

    Returns:
        Exit status: 0; or 1 with the error on standard error; or a status that the command's help explains. After a
        mistake in the arguments, argparse ends the process with 2.
    """
    arguments = _parser().parse_args(argv)
    try:
        status: int | None = arguments.command(arguments)
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return status or 0


@functools.cache  # notebooks and tests call `main` again and again, and all the commands take 20 ms to define
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perennial",
        formatter_class=Formatter,
        description="Train, judge and serve a recommender that keeps itself up to date.",
        epilog="Each command explains itself: perennial COMMAND --help.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = add_group(parser)
    init.add_parser(commands)
    check.add_parser(commands)
    run.add_parser(commands)
    compare.add_parser(commands)
    tune.add_parser(commands)
    refresh.add_parser(commands)
    runs_cli.add_parser(commands)
    versions_cli.add_parser(commands)
    model.add_parsers(commands)
    batch.add_parser(commands)
    serve.add_parser(commands)
    events.add_parser(commands)
    forget.add_parser(commands)
    users.add_parser(commands)
    items.add_parser(commands)
    query_cli.add_parser(commands)
    replay.add_parser(commands)
    datasets.add_parser(commands)
    vertex_cli.add_parser(commands)
    doctor.add_parser(commands)
    completion.add_parser(commands, parser)
    return parser


class _Version(argparse.Action):
    """Prints the version; argparse's own action would read it at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            version = metadata.version("perennial")
        except metadata.PackageNotFoundError:
            version = "of unknown version: the package is not installed"
        print(f"perennial {version}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
