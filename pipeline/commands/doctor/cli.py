"""The command `perennial doctor`."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.errors import MachineError
from configs.load import load_config
from pipeline.commands.doctor.check import Check
from pipeline.ground.terminal import console, print_json

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def add_parser(
    subparsers: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `doctor` to a command line.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    parser = subparsers.add_parser(
        "doctor", help="tell whether this machine can run the pipeline, and what to do if not"
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    from pipeline.commands.doctor.examine import examine

    progress = Console(stderr=True)
    with progress.status("Looking at this machine …"):
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
