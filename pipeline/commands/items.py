"""The commands `perennial items`: titles and features of items in the service's database."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from common.errors import ConfigError
from pipeline.commands.arguments import add_command, add_config, add_count, add_json, add_subgroup
from pipeline.commands.chosen_config import load
from pipeline.commands.service_database import service_database
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `items` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "items",
        "write titles and features of items into the service's database, and list them",
        "With service.database.items: true, answers show them instead of those of the pushed version: for a shop that "
        "changes a title or a price more often than it trains a model.",
    )
    put = add_command(
        group,
        "put",
        "write the items of a file into the database, or replace them",
        _put,
        details="The file is CSV, JSON Lines or Parquet, by its ending, with the columns item_id and title; every "
        "other column is a feature. An item replaces all that was there of it; items that the file lacks stay.",
        examples=["perennial items put items.csv", "perennial items put films.csv --separator '|'"],
    )
    put.add_argument("file", metavar="FILE", type=Path, help="a .csv, .jsonl or .parquet file")
    put.add_argument("--separator", metavar="TEXT", help="split texts of features into several values at this text")
    add_config(put)
    listing = add_command(
        group,
        "list",
        "list the first items in the database, and how many there are",
        _list,
        details="They are sorted by the bytes of their ids.",
        examples=["perennial items list", "perennial items list -k 1000 --json"],
    )
    add_count(listing)
    add_config(listing)
    add_json(listing)
    remove = add_command(
        group,
        "remove",
        "remove items from the database, so that answers show what the version says",
        _remove,
        details="The version, its catalogue and the log are not changed.",
        examples=["perennial items remove 50 181"],
    )
    remove.add_argument("item_ids", metavar="ITEM", nargs="+", help="an item's id")
    add_config(remove)


def _put(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    with service_database(config) as database:
        from service.database.items import ItemStore
        from service.database.items_file import read_items

        kinds = {} if config.catalogue is None else {n: f.kind for n, f in config.catalogue.features.items()}
        # The file is read once before anything is stored, so that one with a bad row changes nothing.
        for _ in read_items(arguments.file, kinds, arguments.separator or None):
            pass
        count = ItemStore(database).put(read_items(arguments.file, kinds, arguments.separator or None))
    say(f"The database has {count:,} item(s) of {arguments.file}.")
    _warn(config)


def _list(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    with service_database(config) as database:
        from service.database.items import ItemStore

        count, found = ItemStore(database).first(arguments.k)
    if arguments.json:
        rows = [{"item_id": item_id, "title": one.title, "features": dict(one.features)} for item_id, one in found]
        print_json({"items": count, "first": rows})
        return
    table = Table("item", "title", "features")
    for item_id, one in found:
        table.add_row(escape(item_id), escape(one.title), escape(", ".join(sorted(one.features))))
    console().print(table)
    say(f"{len(found):,} of {count:,} item(s).")
    _warn(config)


def _remove(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    with service_database(config) as database:
        from service.database.items import ItemStore

        count = ItemStore(database).remove(arguments.item_ids)
    if not count:
        raise ConfigError("ITEM: the database has none of them. See: perennial items list")
    say(f"{count:,} item(s) are removed.")


def _warn(config: "PipelineConfig") -> None:
    if not config.service.database.items:
        say("Answers do not show them: set service.database.items: true.")
