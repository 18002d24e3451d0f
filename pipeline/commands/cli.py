"""The `perennial` command."""

import argparse
import csv
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from common.errors import PerennialError
from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG, load_config
from pipeline.commands import datasets, doctor, replay
from pipeline.commands.runs import cli as runs_cli
from pipeline.commands.versions import cli as versions_cli
from pipeline.commands.vertex import cli as vertex_cli

if TYPE_CHECKING:  # TensorFlow takes seconds to import; only the commands that need it wait for it
    from pipeline.store import models

_MAX_COUNT = 2**31 - 1
"""The signatures' `k` is int32."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Arguments; None for the process's own.

    Returns:
        Exit status: 0, or 1 with the error on standard error.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perennial", description="A recommender that keeps itself up to date.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the pipeline once on this machine")
    _add_config(run)
    run.set_defaults(command=_run)

    runs_cli.add_parsers(commands, run, _add_config)
    versions_cli.add_parsers(commands, _add_config)
    datasets.add_parser(commands)
    replay.add_parser(commands)
    vertex_cli.add_parser(commands, _add_config)
    doctor.add_parser(commands, _add_config)

    recommend = commands.add_parser("recommend", help="recommendations of the newest pushed model")
    recommend.add_argument("--user", help="a user's id")
    recommend.add_argument(
        "--history",
        default="",
        help="ids or titles of liked items, with commas between; quote a title with commas: '\"Piano, The (1993)\",50'",
    )
    _add_query(recommend)
    recommend.set_defaults(command=_recommend)

    similar = commands.add_parser("similar", help="neighbours of an item in the newest pushed model")
    similar.add_argument("item", help="an item's id or title, or a part of its title")
    _add_query(similar)
    similar.set_defaults(command=_similar)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        default=os.environ.get(CONFIG_VARIABLE) or str(DEFAULT_CONFIG),
        help=f"the pipeline's YAML (default: ${CONFIG_VARIABLE}, or MovieLens 100K's)",
    )


def _add_query(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("-k", type=_count, default=10, help="how many items (default: 10)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= _MAX_COUNT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MAX_COUNT}; received {text}")
    return int(text)


def _run(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)  # before TFX, whose import takes seconds: a bad YAML is told at once
    from pipeline.runners import local

    local.run(config)


def _recommend(arguments: argparse.Namespace) -> None:
    model = _model(arguments)
    history = [item for row in csv.reader([arguments.history], skipinitialspace=True) for item in row if item]
    _show(model.recommend(arguments.user, history, arguments.k), arguments.json)


def _similar(arguments: argparse.Namespace) -> None:
    _show(_model(arguments).similar(arguments.item, arguments.k), arguments.json)


def _model(arguments: argparse.Namespace) -> "models.ServedModel":
    config = load_config(arguments.config)
    from pipeline.ground.home import local_serving_dir
    from pipeline.store import models

    return models.ServedModel(models.newest_version(local_serving_dir(config)))


def _show(answers: "Sequence[models.Answer]", as_json: bool) -> None:
    if as_json:
        print(json.dumps([answer._asdict() for answer in answers], ensure_ascii=False, indent=2))
        return
    table = Table("", "id", "title", "score")
    for place, answer in enumerate(answers, 1):
        table.add_row(str(place), answer.item_id, answer.title, f"{answer.score:.3f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
