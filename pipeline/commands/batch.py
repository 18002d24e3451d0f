"""The commands `perennial recommend --users` and `perennial neighbours`: answers for everybody, without HTTP."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import QueryError
from pipeline.commands.arguments import add_command, add_config, add_count
from pipeline.commands.chosen_config import load
from pipeline.commands.service_libraries import require_service
from pipeline.ground.terminal import say

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_users(parser: argparse.ArgumentParser) -> None:
    """Adds `--users` and `--output` to `recommend`."""
    parser.add_argument(
        "--users",
        metavar="all|FILE",
        help="recommend to all users of the version's histories, or to those of a file with one id a line; needs "
        "--output",
    )
    parser.add_argument("--output", metavar="FILE", help="with --users: write a file; it ends with .parquet or .csv")


def add_parser(commands: "Commands") -> None:
    """Adds `neighbours` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "neighbours",
        "find the most similar items of every item",
        _neighbours,
        details="The newest pushed version answers. An SQLite file, or Redis, switches to the new neighbours in one "
        "step, and readers see the old ones until then. Redis wants its password in $PERENNIAL_REDIS_PASSWORD.",
        examples=[
            "perennial neighbours --output neighbours.parquet",
            "perennial neighbours --output sqlite://neighbours.db -k 20",
            "perennial neighbours --output redis://localhost:6379/0",
        ],
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="OUTPUT",
        help="write to FILE.parquet, FILE.csv, sqlite://FILE or redis://HOST:PORT/DB",
    )
    add_count(parser)
    add_config(parser)


def recommend(arguments: argparse.Namespace) -> None:
    """Recommends to many users.

    Args:
        arguments: Those of `recommend`, with `--users` or `--output`.

    Raises:
        QueryError: They do not fit together.
        PerennialError: See `service.batch.recommend`.
    """
    if arguments.users is None or arguments.output is None:
        raise QueryError("--users and --output belong together: --users all --output recs.parquet.")
    if arguments.user is not None or arguments.history or arguments.run is not None or arguments.json:
        raise QueryError("--users recommends to many users: leave out --user, --history, --run and --json.")
    _prepare()
    from pipeline.commands.progress_bar import progress
    from service.batch.outputs import TableFile
    from service.batch.recommend import recommend
    from service.batch.users import users_of

    config, output = load(arguments), TableFile(Path(arguments.output))
    output.check()
    users = users_of(arguments.users)
    with progress("users") as report:
        version = asyncio.run(recommend(config, users, arguments.k, output, report))
    say(f"{output.path}: recommendations of version {version}.")


def _neighbours(arguments: argparse.Namespace) -> None:
    _prepare()
    from configs.home import service_cache_dir
    from pipeline.commands.progress_bar import progress
    from service.batch.destinations import destination
    from service.batch.neighbours import neighbours

    config = load(arguments)
    output = destination(arguments.output, service_cache_dir(config))
    output.check()
    with progress("items") as report:
        version = asyncio.run(neighbours(config, arguments.k, output, report))
    say(f"{arguments.output}: neighbours of version {version}.")


def _prepare() -> None:
    require_service("grpc", "orjson", "redis", "sqlalchemy")
    # Before gRPC is imported: it would prepare for forks, which never happen here, and complain when the model starts.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
