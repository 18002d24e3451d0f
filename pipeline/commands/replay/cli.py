"""The command `perennial replay`."""

import argparse
import os
import sys
from typing import Any

from rich.console import Console

from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG, load_config


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds `replay` to a command line; `args.command(args)` then runs it.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
    """
    parser = subparsers.add_parser(
        "replay",
        help="cut the log by time and let it arrive in rounds, a run for each",
        epilog="The exit status is 1 if an error stopped any of the rounds, DataGate's too; a model that the gate "
        "refuses is no error.",
    )
    parser.add_argument(
        "--config",
        default=os.environ.get(CONFIG_VARIABLE) or str(DEFAULT_CONFIG),
        help=f"the pipeline's YAML (default: ${CONFIG_VARIABLE}, or MovieLens 100K's)",
    )
    parser.add_argument("--rounds", type=_rounds, default=4, help="windows with equally many events (default: 4)")
    parser.add_argument("--cold", action="store_true", help="train every model from nothing, for comparison")
    parser.set_defaults(command=_replay)


def _rounds(text: str) -> int:
    rounds = int(text)
    if not 1 <= rounds <= 999:
        raise argparse.ArgumentTypeError(f"must be 1 to 999. Received: {text}")
    return rounds


def _replay(args: argparse.Namespace) -> None:
    config = load_config(args.config)
    # TensorFlow and TFX take seconds to import; `perennial --help` does without.
    from pipeline.commands.replay import rounds, showing

    console = Console()
    warm_start = not args.cold
    done: list[rounds.Round] = []
    try:
        for of in rounds.replay(config, args.rounds, warm_start=warm_start, console=console):
            done.append(of)
    finally:  # hours may have gone into the rounds so far
        if done:
            console.print(showing.table(done))
            page = showing.write(rounds.replay_config(config, warm_start), done)
            console.print(f"  Chart        {page}", highlight=False, soft_wrap=True)
    stopped = sum(of.outcome == rounds.STOPPED for of in done)
    if stopped:
        sys.exit(f"{stopped} of {len(done)} rounds were stopped by an error; the table says by which.")
