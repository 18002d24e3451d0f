"""The commands `perennial recommend` and `perennial similar`, which ask a model of this machine."""

import argparse
import csv
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.errors import ModelError
from pipeline.commands import batch
from pipeline.commands.arguments import add_command, add_config, add_count, add_json, add_user
from pipeline.commands.chosen_config import load
from pipeline.ground.terminal import print_json, say

if TYPE_CHECKING:  # TensorFlow takes seconds to import; only the commands that use it should import it
    from collections.abc import Sequence

    from pipeline.commands.arguments import Commands
    from pipeline.store import models

_DEFAULT = (
    "The model is the newest version that the config's pipeline pushed on this machine. With --run it is the model of "
    "that run, also one that the gate refused."
)


def add_parsers(commands: "Commands") -> None:
    """Adds `recommend` and `similar` to the command line.

    Args:
        commands: The group.
    """
    recommend = add_command(
        commands,
        "recommend",
        "recommend items to a user, or to someone who likes certain items",
        _recommend,
        details=f"{_DEFAULT} Without --user and --history, the model lists the most popular items. With --users, the "
        "newest pushed version recommends to many users at once, and the items go to a file. If that is interrupted, "
        "the same command goes on.",
        examples=[
            "perennial recommend --user 42",
            "perennial recommend --history 'Toy Story (1995),50' -k 5",
            "perennial recommend --user 42 --run latest",
            "perennial recommend --users all -k 5 --output recs.parquet",
        ],
    )
    add_user(recommend)
    recommend.add_argument(
        "--history",
        default="",
        metavar="ITEMS",
        help="recommend to someone who likes these items: ids or titles, separated by commas; quote a title that has "
        "commas: '\"Piano, The (1993)\",50'",
    )
    batch.add_users(recommend)
    _add_query(recommend)

    similar = add_command(
        commands,
        "similar",
        "list the items that are most similar to an item",
        _similar,
        details=_DEFAULT,
        examples=["perennial similar 'Toy Story (1995)'", "perennial similar 50 -k 5 --json"],
    )
    similar.add_argument("item", metavar="ITEM", help="the item: its id, its title, or a part of its title")
    _add_query(similar)


def _add_query(parser: argparse.ArgumentParser) -> None:
    add_count(parser)
    parser.add_argument(
        "--run",
        metavar="RUN",
        help="ask the model of this run: its number, 'latest', or its whole id (default: ask the newest pushed "
        "version)",
    )
    add_config(parser)
    add_json(parser)


def _recommend(arguments: argparse.Namespace) -> None:
    if arguments.users is not None or arguments.output is not None:
        batch.recommend(arguments)
        return
    model = _model(arguments)
    history = [item for row in csv.reader([arguments.history], skipinitialspace=True) for item in row if item]
    answers = model.recommend(arguments.user, history, arguments.k)
    if arguments.user is None and not history:
        say("These are the most popular items: neither --user nor --history is given.", stderr=True)
    _show(answers, arguments.json)


def _similar(arguments: argparse.Namespace) -> None:
    _show(_model(arguments).similar(arguments.item, arguments.k), arguments.json)


def _model(arguments: argparse.Namespace) -> "models.LocalModel":
    config = load(arguments)
    from pipeline.ground.home import local_metadata_path, local_serving_dir

    if arguments.run is not None:
        from pipeline.store.runs.model import model_of_run
        from pipeline.store.runs.records import find_run, read_runs

        path = model_of_run(find_run(read_runs(local_metadata_path(config), config.name), arguments.run))
        from pipeline.store import models
    else:
        from pipeline.store import models

        try:
            path = models.newest_version(local_serving_dir(config))
        except ModelError as e:
            raise ModelError(f"{e} A model that the gate refused can be asked with --run.") from e
    return models.LocalModel(path)


def _show(answers: "Sequence[models.Answer]", as_json: bool) -> None:
    if as_json:
        print_json([answer._asdict() for answer in answers])
        return
    table = Table("", "id", "title", "score")
    for place, answer in enumerate(answers, 1):
        table.add_row(str(place), escape(answer.item_id), escape(answer.title), f"{answer.score:.3f}")
    Console().print(table)
