"""The commands `perennial vertex versions list` and `perennial vertex versions rollback`."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from pipeline.commands.arguments import add_command, add_config, add_json, add_subgroup, add_version
from pipeline.commands.chosen_config import load
from pipeline.commands.versions import showing
from pipeline.ground.terminal import console, print_json

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `versions` to `perennial vertex`.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "versions",
        "list the pushed versions in the serving folder and the Model Registry, and roll back to an older one",
        "The serving folder is vertex.serving_dir; the Model Registry and the Endpoint are those of vertex.registry.",
    )
    listing = add_command(
        group,
        "list",
        "list the pushed versions: their state in the serving folder, registry versions, aliases and traffic",
        _list,
        details="The oldest version comes first.",
        examples=["perennial vertex versions list", "perennial vertex versions list --json"],
    )
    add_config(listing)
    add_json(listing)
    back = add_command(
        group,
        "rollback",
        "make the model of an older version live again: in the serving folder, the registry and on the Endpoint",
        _rollback,
        details="The models that were pushed after that version are withdrawn: they are not pushed again. The next run "
        "starts from the model that is live again and compares with it.",
        examples=["perennial vertex versions rollback", "perennial vertex versions rollback 1795630965"],
    )
    add_version(back)
    add_config(back)


def _list(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    from pipeline.cloud.registry.api import RegistryApi
    from pipeline.cloud.registry.listing import vertex_listing
    from pipeline.cloud.registry.rollback import section

    vertex = section(config)
    rows = vertex_listing(config, RegistryApi(vertex))
    if arguments.json:
        print_json(rows)
        return
    if not rows:
        showing.say(f"No version has been pushed to {vertex.serving_dir} yet.")
        return
    columns = ("version", "pushed", "state", "model", "registry", "aliases", "traffic")
    table = Table(*columns, title=vertex.serving_dir)
    for row in rows:
        table.add_row(*_cells(row))
    console().print(table)


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        "gone" if row["version"] is None else str(row["version"]),
        f"{datetime.fromisoformat(row['pushed_at']):%Y-%m-%d %H:%M}" if row.get("pushed_at") else "",
        showing.state(row),
        row["model_digest"][: showing.SHORT],
        str(row["registry_version"] or ""),
        ", ".join(row["aliases"]),
        "" if row["traffic"] is None else f"{row['traffic']} %",
    ]


def _rollback(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    from pipeline.cloud.registry.api import RegistryApi
    from pipeline.cloud.registry.rollback import roll_back_on_vertex, section
    from pipeline.store.versions.rollback import default_target

    vertex, number = section(config), arguments.version
    if number is None:
        number = default_target(vertex.serving_dir)
        showing.say(f"Rolling back to version {number}.")
    result = roll_back_on_vertex(config, number, RegistryApi(vertex))
    folder, registry = result.folder, result.registry
    if folder.live == folder.target:
        showing.say(f"Version {folder.live} is already live in {vertex.serving_dir}.")
    else:
        showing.say(
            f"The model of version {folder.target} is live again, as version {folder.live} of {vertex.serving_dir}."
        )
    if registry is not None:
        showing.say(f"  {registry.model} is the blessed model{' (registered again)' if registry.is_new else ''}.")
        if registry.traffic:
            showing.say("  It gets all the traffic of the Endpoint.")
    showing.say_withdrawn(folder.withdrawn)
    if result.has_artifact:
        showing.say("  The next run compares with this model.")
    else:
        showing.say(
            "  [bold]Warning[/]: the artifact that this model was pushed from is gone or was never recorded, so the "
            "next run cannot compare with this model or start from it. It starts as a first run does."
        )
