"""The commands `perennial users`: who may call the service. A password comes from the terminal or standard input."""

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from common.errors import ConfigError
from pipeline.commands.arguments import add_command, add_config, add_json, add_subgroup
from pipeline.commands.chosen_config import load
from pipeline.commands.service_database import service_database
from pipeline.commands.service_libraries import require_service
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands

_SCOPES = ("read", "events", "admin")

_MOST_CHARACTERS = 4096
"""Of a line of standard input: more than a password may have, so that a wrong file is refused at once."""


def add_parser(commands: "Commands") -> None:
    """Adds `users` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "users",
        "list the users of the service, and make passwords and keys",
        "Users are in the file service.auth.users_file, for which `hash` makes a line; or, without such a file, in the "
        "service's database, where `list`, `put` and `remove` work.",
    )
    add_command(
        group,
        "key",
        "make a key that signs tokens, and print its line for the keys file",
        _key,
        details="The line is for service.auth.keys_file. The first key of the file signs, all of them are accepted.",
        examples=["perennial users key > keys.yaml"],
    )
    add_command(
        group,
        "hash",
        "make the argon2 hash of a password, and print it",
        _hash,
        details="The hash is for service.auth.users_file. The password is asked for, or is the first line of standard "
        "input; it cannot be an argument, which other accounts of the machine could read.",
        examples=["perennial users hash"],
    )
    listing = add_command(
        group,
        "list",
        "list the users in the database, with what they may do",
        _list,
        details="Passwords are not shown: the database has their hashes alone.",
        examples=["perennial users list", "perennial users list --json"],
    )
    add_config(listing)
    add_json(listing)
    put = add_command(
        group,
        "put",
        "write a user into the database, or replace one",
        _put,
        details="The password is asked for, or is the first line of standard input. A running service knows the user "
        "at once; tokens that were given before stay valid until they expire.",
        examples=["perennial users put shop", "perennial users put robot --scope events"],
    )
    put.add_argument("name", metavar="NAME", help="the user's name, which is compared byte by byte")
    put.add_argument(
        "--scope",
        action="append",
        choices=_SCOPES,
        help="what the user may do; repeat the option for several (default: read and events)",
    )
    add_config(put)
    remove = add_command(
        group,
        "remove",
        "remove a user from the database",
        _remove,
        details="Tokens that the user was given before stay valid until they expire, see service.auth.token_seconds.",
        examples=["perennial users remove shop"],
    )
    remove.add_argument("name", metavar="NAME", help="the user's name, which is compared byte by byte")
    add_config(remove)


def _key(_: argparse.Namespace) -> None:
    from service.auth.keys import new_key

    sys.stdout.write(new_key())


def _hash(_: argparse.Namespace) -> None:
    require_service("argon2")
    say(_hashed())


def _list(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    require_service("argon2")
    with service_database(config) as database:
        from service.auth.users import DatabaseUsers

        found = [(name, sorted(scopes)) for name, scopes in DatabaseUsers(database).names()]
    if arguments.json:
        print_json([{"name": name, "scopes": scopes} for name, scopes in found])
        return
    table = Table("user", "scopes")
    for name, scopes in found:
        table.add_row(escape(name), ", ".join(scopes))
    console().print(table)


def _put(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    require_service("argon2")
    hashed = _hashed()
    with service_database(config) as database:
        from service.auth.scopes import scopes_of
        from service.auth.users import DatabaseUsers, User

        scopes = scopes_of(sorted(set(arguments.scope or ("read", "events"))))
        try:
            DatabaseUsers(database).put(User(arguments.name, hashed, scopes))
        except ValueError as e:
            raise ConfigError(f"NAME: {e}") from e
    say(f"The database has the user now, with the scopes {', '.join(sorted(scopes))}.")


def _remove(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    require_service("argon2")
    with service_database(config) as database:
        from service.auth.users import DatabaseUsers

        if not DatabaseUsers(database).remove(arguments.name):
            raise ConfigError("NAME: the database has no such user. See: perennial users list")
    say("The user is removed.")


def _hashed() -> str:
    """The hash of a password that a person types, or that is the first line of standard input."""
    from service.auth.passwords import hash_password

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise ConfigError("The two passwords differ. Try again.")
    else:
        password = sys.stdin.readline(_MOST_CHARACTERS).rstrip("\r\n")
    try:
        return hash_password(password)
    except ValueError as e:
        raise ConfigError(f"password: {e}") from e
