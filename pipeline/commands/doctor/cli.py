"""The command `perennial doctor`."""

import argparse
import sys
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.errors import MachineError
from pipeline.commands.arguments import add_command, add_config, add_json
from pipeline.commands.chosen_config import load
from pipeline.commands.doctor.check import Check
from pipeline.ground.terminal import console, print_json

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def add_parser(commands: "Commands") -> None:
    """Adds `doctor` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "doctor",
        "check whether this machine can run the pipeline, and say what to do if not",
        _doctor,
        details="Checks the interpreter, the C library, the installed libraries, credentials for Google Cloud, the "
        "configured data, memory and disk. It changes nothing. The exit status is 1 if the pipeline cannot run here.",
        examples=["perennial doctor", "perennial doctor --config shop.yaml --json"],
    )
    add_config(parser)
    add_json(parser)


def _doctor(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    from pipeline.commands.doctor.examine import examine

    progress = Console(stderr=True)
    with progress.status("Checking this machine …"):
        checks = list(examine(config))
    if arguments.json:
        print_json([check.as_json() for check in checks])
    else:
        console().print(_table(checks))
    errors = [check.name for check in checks if check.status == "error"]
    if errors:
        raise MachineError(f"{sys.prefix}: the pipeline {config.name} cannot run here: {', '.join(errors)}.")


def _table(checks: list[Check]) -> Table:
    table = Table("what", "", "found", "what to do", box=SIMPLE)
    for check in checks:
        style = _STYLES[check.status]
        table.add_row(check.name, f"[{style}]{check.status}[/]", escape(check.found), escape(check.advice))
    return table
