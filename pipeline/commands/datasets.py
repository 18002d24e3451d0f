"""The commands `perennial datasets list` and `perennial datasets fetch`."""

import argparse
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.datasets.registry import DATA_SETS
from pipeline.datasets.store import data_dir, fetch, is_cached


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds `datasets` to a command line; `args.command(args)` then runs what was chosen.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
    """
    parser = subparsers.add_parser("datasets", help="sample data sets: list them, fetch one")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the data sets, their licences, and which are on this machine")
    listing.set_defaults(command=_list)

    fetching = commands.add_parser("fetch", help="bring a data set to this machine, checked by digest")
    fetching.add_argument("name", choices=list(DATA_SETS), help=", ".join(DATA_SETS), metavar="NAME")
    fetching.add_argument("--from", dest="source", metavar="FOLDER", help="take it from a folder that has a copy")
    fetching.set_defaults(command=_fetch)


def _list(args: argparse.Namespace) -> None:
    table = Table("name", "here", "what", "licence", title=f"Data sets in {data_dir()}")
    for data_set in DATA_SETS.values():
        table.add_row(data_set.name, "yes" if is_cached(data_set) else "no", data_set.summary, data_set.licence)
    Console().print(table)


def _fetch(args: argparse.Namespace) -> None:
    fetch(args.name, args.source, Console())
