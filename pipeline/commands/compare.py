"""The command `perennial compare`."""

import argparse
from typing import TYPE_CHECKING

from common.errors import OutputError
from pipeline.commands.arguments import add_command, add_config, add_json
from pipeline.commands.chosen_config import load
from pipeline.commands.events import export_if_wanted
from pipeline.commands.run import status_of
from pipeline.ground.terminal import say

if TYPE_CHECKING:
    from documents.comparison import ComparisonReport
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `compare` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "compare",
        "train several models, and judge and push the best of them",
        _compare,
        details="Reads the data once, trains each candidate of the config's compare section (or each kind of model "
        "with its default settings), chooses by targets that are held out of the training interactions, and measures "
        "all on the same users. The winner is judged and pushed as by `perennial run`, with the same exit status. "
        "Later runs train the winner's kind if the config has a compare section.",
        examples=["perennial compare", "perennial compare --config shop.yaml --json"],
    )
    add_config(parser)
    add_json(parser)


def _compare(arguments: argparse.Namespace) -> int:
    config = load(arguments).compared()
    export_if_wanted(config)
    from pipeline.report.facts import parts_of_run, read_facts
    from pipeline.runners import local

    run = local.run(config)
    if run is None:
        return 0
    report = read_facts(config.name, parts_of_run(run), run).comparison
    if report is None:
        raise OutputError(f"run {run.number} has no comparison that can be read; see: perennial runs show {run.number}")
    if arguments.json:
        print(report.to_json())
    else:
        show(report)
    return status_of(run)


def show(report: "ComparisonReport") -> None:
    """Prints the tables of a comparison, and the winner.

    Args:
        report: The comparison.
    """
    from rich.console import Console
    from rich.table import Table

    from pipeline.report.comparison import COST, QUALITY

    for columns, title in ((QUALITY, f"{report.users.evaluated:,} users, full catalogue"), (COST, "Cost and gate")):
        table = Table("model", *(column.heading for column in columns), title=title)
        for candidate in report.candidates:
            cells = (column.cell(candidate) for column in columns)
            table.add_row(candidate.name, *cells, style="bold" if candidate.name == report.winner else None)
        Console().print(table)
    for candidate in report.candidates:
        if candidate.fault is not None:
            say(f"{candidate.name} cannot be chosen: {candidate.fault}", stderr=True)
    say(f"Winner: {report.winner}. {report.reason}")
