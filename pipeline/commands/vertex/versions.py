"""The commands `perennial vertex versions` and `perennial vertex rollback`."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.table import Table

from configs.load import load_config
from pipeline.commands.versions import showing
from pipeline.ground.terminal import console, print_json


def add_parsers(
    subparsers: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `versions` and `rollback` to `perennial vertex`.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    showing.add_parsers(
        subparsers,
        add_config,
        ("the pushed versions: folder, registry, aliases, traffic", _versions),
        ("make an older version live again: folder, registry, Endpoint", _rollback),
    )


def _versions(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    from pipeline.cloud.registry.api import RegistryApi
    from pipeline.cloud.registry.listing import vertex_listing
    from pipeline.cloud.registry.rollback import section

    vertex = section(config)
    rows = vertex_listing(config, RegistryApi(vertex))
    if arguments.json:
        print_json(rows)
        return
    table = Table("version", "when", "", "model", "registry", "aliases", "traffic", title=vertex.serving_dir)
    for row in reversed(rows):
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
    config = load_config(arguments.config)
    from pipeline.cloud.registry.api import RegistryApi
    from pipeline.cloud.registry.rollback import VertexRollback, roll_back_on_vertex, section
    from pipeline.store.versions.rollback import default_target

    vertex, number = section(config), arguments.version
    if number is None:
        number = default_target(vertex.serving_dir)
        _say(f"Going back to version {number}.")
    came: VertexRollback = roll_back_on_vertex(config, number, RegistryApi(vertex))
    folder, registry = came.folder, came.registry
    if folder.live == folder.target:
        _say(f"Version {folder.live} is live already in {vertex.serving_dir}.")
    else:
        _say(f"The model of version {folder.target} is live again, as version {folder.live} of {vertex.serving_dir}.")
    if registry is not None:
        _say(f"  {registry.model} is the blessed one{' (registered anew)' if registry.is_new else ''}.")
        if registry.traffic:
            _say("  It gets all the traffic of the Endpoint.")
    for digest, number in folder.withdrawn.items():
        _say(f"  Version {number} ({digest[: showing.SHORT]}) is withdrawn: it is not pushed again.")
    if came.has_artifact:
        _say("  The next run compares with this model.")
    else:
        _say(
            "  [bold]Warning[/]: the artifact that this model was pushed from is gone, or written down nowhere, so the "
            "next run cannot compare with it nor start from it, and does as a first run does."
        )


def _say(text: str) -> None:
    console().print(text, highlight=False, soft_wrap=True)
