"""The commands `perennial versions` and `perennial rollback`."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.table import Table

from configs.load import load_config
from pipeline.commands.versions import showing
from pipeline.ground.home import local_metadata_path, local_serving_dir
from pipeline.ground.terminal import console, print_json


def add_parsers(
    subparsers: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `versions` and `rollback` to a command line.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    showing.add_parsers(
        subparsers,
        add_config,
        ("the pushed versions: which is live, what each reached", _versions),
        ("make an older version live again, under a new number", _rollback),
    )


def _versions(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    from pipeline.store.versions.listing import listing

    rows = listing(local_serving_dir(config))
    if arguments.json:
        print_json(rows)
        return
    names = list(rows[-1]["metrics"]) if rows else []
    table = Table("version", "when", "", "model", "start", *names, "MiB", title=local_serving_dir(config))
    for row in reversed(rows):
        figures = [f"{row['metrics'][name]:.3f}" if name in row["metrics"] else "" for name in names]
        table.add_row(
            str(row["version"]),
            f"{datetime.fromisoformat(row['pushed_at']):%Y-%m-%d %H:%M}",
            showing.state(row),
            row["model_digest"][: showing.SHORT],
            {True: "warm", False: "cold", None: ""}[row["warm"]],
            *figures,
            f"{row['bytes'] / 2**20:.1f}",
        )
    console().print(table)


def _rollback(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    from pipeline.store.runs.lock import pipeline_lock
    from pipeline.store.versions.rollback import default_target, roll_back

    say, serving_dir, number = console().print, local_serving_dir(config), arguments.version
    if number is None:
        number = default_target(serving_dir)
        say(f"Going back to version {number}.", highlight=False)
    with pipeline_lock(config):
        came = roll_back(serving_dir, config.push.keep_versions, local_metadata_path(config), number)
    if came.live == came.target:
        say(f"Version {came.live} is live already.", highlight=False)
    else:
        say(f"The model of version {came.target} is live again, as version {came.live}.", highlight=False)
    for digest, number in came.withdrawn.items():
        say(f"  Version {number} ({digest[: showing.SHORT]}) is withdrawn: it is not pushed again.", highlight=False)
    if came.blessed is None:
        say("  There is no metadata store here, so all blessings are as they were.", highlight=False)
        return
    if came.blessed.taken:
        say(f"  {came.blessed.taken} newer model(s) lost their blessing.", highlight=False)
    if came.blessed.has_target:
        say("  The next run compares with this model.", highlight=False)
    else:
        say(
            "  [bold]Warning[/]: this model's artifact is gone from the metadata store, so the next run cannot compare "
            "with it nor start from it. It takes an older blessed model, or none at all, as a first run does.",
            highlight=False,
        )
