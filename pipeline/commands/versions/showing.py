"""What the commands about versions share, here and on Vertex: their arguments, and how a version is shown."""

import argparse
from collections.abc import Callable
from typing import Any

SHORT = 12
"""Characters of a digest that tell models apart."""

Command = Callable[[argparse.Namespace], None]


def add_parsers(
    subparsers: "argparse._SubParsersAction[Any]",
    add_config: Callable[[argparse.ArgumentParser], None],
    versions: tuple[str, Command],
    rollback: tuple[str, Command],
) -> None:
    """Adds `versions` and `rollback` to a command line.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
        versions: Help and function of the one.
        rollback: Of the other.
    """
    listing = subparsers.add_parser("versions", help=versions[0])
    add_config(listing)
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    listing.set_defaults(command=versions[1])

    back = subparsers.add_parser("rollback", help=rollback[0])
    back.add_argument(
        "version",
        nargs="?",
        type=int,
        metavar="VERSION",
        help="the serving folder's version (default: the newest with another model that no rollback withdrew)",
    )
    add_config(back)
    back.set_defaults(command=rollback[1])


def state(row: dict[str, Any]) -> str:
    """Whether a version is live, withdrawn, or an older one again.

    Args:
        row: Of a listing.
    """
    words = [word for word in ("live", "withdrawn") if row.get(word)]
    words += [f"back to {row['rolled_back_to']}"] if row.get("rolled_back_to") else []
    return ", ".join(words)
