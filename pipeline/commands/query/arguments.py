"""Adds the options of `perennial query`, and connects to the service that they name."""

import argparse
import csv
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common.errors import QueryError
from pipeline.commands.arguments import Function, add_command, add_json, add_user
from pipeline.commands.service_libraries import require_service

if TYPE_CHECKING:  # httpx and pydantic take a third of a second to import
    from pipeline.commands.arguments import Commands
    from service.client import Client

URL, TOKEN = "PERENNIAL_URL", "PERENNIAL_TOKEN"
USER, PASSWORD = "PERENNIAL_USER", "PERENNIAL_PASSWORD"
"""Variables of the environment. A token or a password is no argument: other accounts can read those."""

_DEFAULT_URL = "http://127.0.0.1:8080"
"""Where `perennial serve` listens by default."""

_LISTS = {
    "items": "name items that are liked",
    "browsed": "name items that were looked at",
    "basket": "name items in the basket",
    "purchased": "name items that were bought",
    "dislike": "name items that are not liked",
}


def add_question(
    commands: "Commands", name: str, help: str, function: Function, details: str, examples: Sequence[str]
) -> argparse.ArgumentParser:
    """Adds a command with the options of all questions.

    Args:
        commands: The group `query`.
        name: The command's name.
        help: What it does.
        function: What runs it.
        details: A further paragraph, for its own help.
        examples: Complete command lines.
    """
    parser = add_command(
        commands,
        name,
        help,
        function,
        details=f"{details} The service's token is read from ${TOKEN}; or a user from ${USER} and ${PASSWORD}.",
        examples=examples,
    )
    parser.add_argument("--url", help=f"ask the service at this address (default: ${URL}, else {_DEFAULT_URL})")
    add_json(parser)
    return parser


def add_taste(parser: argparse.ArgumentParser) -> None:
    """Adds whom an answer is for."""
    add_user(parser)
    for name, help in _LISTS.items():
        parser.add_argument(f"--{name}", default="", metavar="IDS", help=f"{help}, separated by commas")


def add_filter(parser: argparse.ArgumentParser) -> None:
    """Adds `--filter`."""
    parser.add_argument("--filter", help="take only items with these features, such as 'genres:Comedy and year>=1990'")


def taste(arguments: argparse.Namespace) -> dict[str, Any]:
    """Reads whom an answer is for."""
    return {"user": arguments.user, **{name: ids(getattr(arguments, name)) for name in _LISTS}}


def ids(text: str) -> list[str]:
    """Reads ids that are separated by commas; an id with a comma stands in quotes."""
    return [one for row in csv.reader([text], skipinitialspace=True) for one in row if one]


def client(arguments: argparse.Namespace) -> "Client":
    """Connects to the service.

    Raises:
        QueryError: The environment has a token and a user, or a user without a password.
        RefusedError: The address is none.
    """
    require_service("httpx")
    from service.client import Client

    token, user, password = (os.environ.get(name) for name in (TOKEN, USER, PASSWORD))
    if token is not None and user is not None:
        raise QueryError(f"the environment has ${TOKEN} and ${USER}: unset one of them.")
    if (user is None) != (password is None):
        raise QueryError(f"the environment must have both ${USER} and ${PASSWORD}, or none of them.")
    url = arguments.url or os.environ.get(URL) or _DEFAULT_URL
    return Client(url, token=token, user=user, password=password)
