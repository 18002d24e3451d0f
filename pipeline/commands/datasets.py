"""The commands `perennial datasets list` and `perennial datasets fetch`."""

import argparse
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pipeline.commands.arguments import add_command, add_json, add_subgroup
from pipeline.datasets.registry import DATA_SETS
from pipeline.datasets.store import data_dir, fetch, is_cached
from pipeline.ground.terminal import print_json

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `datasets` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "datasets",
        "list and fetch sample data sets",
        "A config names a fetched data set as dataset://NAME/FILE.",
    )
    listing = add_command(
        group,
        "list",
        "list the sample data sets, their licences, and which of them are on this machine",
        _list,
        details="Their folder is $PERENNIAL_DATA, else ~/.cache/perennial/datasets.",
        examples=["perennial datasets list", "perennial datasets list --json"],
    )
    add_json(listing)
    fetching = add_command(
        group,
        "fetch",
        "fetch a sample data set and check its digests",
        _fetch,
        details="Downloads the files from their publisher, or copies them from a folder, compares them with the "
        "digests of the published edition, and prints the licence. A data set that is on this machine is not fetched "
        "again.",
        examples=[
            "perennial datasets fetch movielens-100k",
            "perennial datasets fetch movielens-100k --from ~/Downloads/ml-100k",
        ],
    )
    fetching.add_argument("name", choices=list(DATA_SETS), help=", ".join(DATA_SETS), metavar="NAME")
    fetching.add_argument("--from", dest="source", metavar="FOLDER", help="copy the files from this folder")


def _list(arguments: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = [
        {"name": each.name, "here": is_cached(each), "what": each.summary, "licence": each.licence}
        for each in DATA_SETS.values()
    ]
    if arguments.json:
        print_json(rows)
        return
    table = Table("name", "here", "what", "licence", title=f"Data sets in {data_dir()}")
    for row in rows:
        table.add_row(row["name"], "yes" if row["here"] else "no", row["what"], row["licence"])
    Console().print(table)


def _fetch(arguments: argparse.Namespace) -> None:
    fetch(arguments.name, arguments.source, Console())
