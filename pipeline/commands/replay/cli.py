"""The command `perennial replay`."""

import argparse
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.commands.arguments import add_command, add_config, whole_number
from pipeline.commands.chosen_config import load

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands

_MOST_ROUNDS = 999
"""The files of the windows have numbers of three digits."""


def add_parser(commands: "Commands") -> None:
    """Adds `replay` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "replay",
        "run the pipeline in rounds, each with more of the log, to see how it would have kept a model up to date",
        _replay,
        details="Cuts the log by time into windows with equally many events and runs the whole pipeline after each "
        "window, in a folder of its own beside the pipeline's. An earlier replay is replaced. The exit status is 1 if "
        "an error stopped a round, also an error of DataGate; a model that the gate refuses is not an error.",
        examples=[
            "perennial replay --rounds 4",
            "perennial replay --config shop.yaml --rounds 10 --cold",
        ],
    )
    add_config(parser)
    parser.add_argument(
        "--rounds", type=whole_number(_MOST_ROUNDS), default=4, help="cut the log into this many windows (default: 4)"
    )
    parser.add_argument("--cold", action="store_true", help="train every model with a cold start, for comparison")


def _replay(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    # TensorFlow and TFX take seconds to import; `perennial --help` does not need them.
    from documents.replay_rounds import STOPPED, Round
    from pipeline.commands.replay import rounds, showing

    console = Console()
    warm_start = not arguments.cold
    done: list[Round] = []
    try:
        for finished in rounds.replay(config, arguments.rounds, warm_start=warm_start, console=console):
            done.append(finished)
    finally:  # hours may have gone into the rounds so far
        if done:
            console.print(showing.table(done))
            page = showing.write(rounds.replay_config(config, warm_start), done)
            console.print(f"  Chart        {page}", highlight=False, soft_wrap=True)
    stopped = sum(finished.outcome == STOPPED for finished in done)
    if stopped:
        sys.exit(f"An error stopped {stopped} of {len(done)} rounds; the table shows the errors.")
