"""The commands `perennial versions list` and `perennial versions rollback`."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from pipeline.commands.arguments import add_command, add_config, add_json, add_subgroup, add_version
from pipeline.commands.chosen_config import load
from pipeline.commands.versions import showing
from pipeline.ground.terminal import console, print_json

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `versions` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "versions",
        "list the pushed versions of the model, and roll back to an older one",
        "The versions are those in the serving folder on this machine; `perennial vertex versions` is about those on "
        "Vertex.",
    )
    listing = add_command(
        group,
        "list",
        "list the pushed versions: which one is live, and the metrics of each",
        _list,
        details="The oldest version comes first. TensorFlow Serving serves the highest number.",
        examples=["perennial versions list", "perennial versions list --json"],
    )
    add_config(listing)
    add_json(listing)
    back = add_command(
        group,
        "rollback",
        "make the model of an older version live again, under a new number",
        _rollback,
        details="The models that were pushed after that version are withdrawn: they lose their blessing and are not "
        "pushed again. The next run starts from the model that is live again and compares with it. If a run is in "
        "progress, the command waits for it and then also withdraws what it pushed.",
        examples=["perennial versions rollback", "perennial versions rollback 1795630965"],
    )
    add_version(back)
    add_config(back)


def _list(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    from pipeline.ground.home import local_serving_dir
    from pipeline.store.versions.listing import listing

    rows = listing(local_serving_dir(config))
    if arguments.json:
        print_json(rows)
        return
    if not rows:
        showing.say(f"No version has been pushed to {escape(local_serving_dir(config))} yet.")
        return
    names = list(rows[-1]["metrics"])
    table = Table("version", "pushed", "state", "model", "start", *names, "MiB", title=local_serving_dir(config))
    for row in rows:
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
    config = load(arguments)
    from pipeline.ground.home import local_metadata_path, local_serving_dir
    from pipeline.store.runs.lock import pipeline_lock
    from pipeline.store.versions.rollback import default_target, roll_back

    serving_dir, number = local_serving_dir(config), arguments.version
    if number is None:
        number = default_target(serving_dir)
        showing.say(f"Rolling back to version {number}.")
    with pipeline_lock(config):
        result = roll_back(serving_dir, config.push.keep_versions, local_metadata_path(config), number)
    if result.live == result.target:
        showing.say(f"Version {result.live} is already live.")
    else:
        showing.say(f"The model of version {result.target} is live again, as version {result.live}.")
    showing.say_withdrawn(result.withdrawn)
    if result.blessed is None:
        showing.say("  There is no metadata store here, so all blessings stay as they were.")
        return
    if result.blessed.taken:
        showing.say(f"  {result.blessed.taken} newer model(s) lost their blessing.")
    if result.blessed.has_target:
        showing.say("  The next run compares with this model.")
    else:
        showing.say(
            "  [bold]Warning[/]: the metadata store no longer has this model's artifact, so the next run cannot "
            "compare with this model or start from it. It takes an older blessed model; if there is none, it "
            "starts as a first run does."
        )
