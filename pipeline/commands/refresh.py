"""The command `perennial refresh`."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config
from pipeline.commands.chosen_config import load
from pipeline.commands.events import export_if_wanted
from pipeline.commands.run import status_of

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `refresh` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "refresh",
        "take today's items into the live model, without training",
        _refresh,
        details="Reads the log and the catalogue, and exports the last blessed model with today's items: new ones by "
        "their content, as far as the kind of model knows content, and without those that are gone. Nothing is learned "
        "from the interactions; what is counted in one step, such as neighbours, is counted anew. The gate judges the "
        "model on today's targets, and the exit status is that of `perennial run`.",
        examples=["perennial refresh", "perennial refresh --config shop.yaml"],
    )
    add_config(parser)


def _refresh(arguments: argparse.Namespace) -> int:
    config = load(arguments).refreshed()
    export_if_wanted(config)
    from pipeline.runners import local

    run = local.run(config)
    return status_of(run) if run is not None else 0
