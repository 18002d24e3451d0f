"""Prints a command's output: text for a person on the terminal, or JSON for a program."""

import json
import sys
from datetime import datetime
from typing import Any

from rich.console import Console

_PIPED_WIDTH = 160
"""Columns if the output is no terminal; rich's default of 80 would cut the tables."""


def console(stderr: bool = False) -> Console:
    """Returns standard output or standard error, wide enough for tables even if it is no terminal."""
    return wide(Console(stderr=stderr))


def wide(terminal: Console) -> Console:
    """Returns a console with the same output that is wide enough for tables even if it is no terminal."""
    return terminal if terminal.is_terminal else Console(file=terminal.file, width=_PIPED_WIDTH)


def say(text: str, stderr: bool = False) -> None:
    """Prints a line at once, even if the output is no terminal."""
    print(text, file=sys.stderr if stderr else sys.stdout, flush=True)


def print_json(value: Any) -> None:
    """Prints a value as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_as_json))


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
