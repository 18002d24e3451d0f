"""Runs `perennial init` on files with chosen contents."""

import datetime
from pathlib import Path
from typing import Any

import yaml

from configs.load import load_config
from pipeline.commands import cli

ROWS = [(f"u{n % 37}", f"i{n % 23}", n % 5 + 1, 1_700_000_000 + 3600 * n) for n in range(400)]
FIRST, LAST = "2023-11-14", "2023-12-01"


def init(folder: Path, *arguments: str) -> str:
    """Runs the command; the text of the YAML, which is a valid config."""
    output = folder / "made.yaml"
    assert cli.main(["init", *arguments, "--output", str(output)]) == 0
    load_config(output)
    return output.read_text()


def made(folder: Path, log: str, catalogue: str | None = None, **encoding: str) -> dict[str, Any]:
    """The YAML for files with these contents."""
    (folder / "log.csv").write_text(log, **encoding)
    arguments = [str(folder / "log.csv")]
    if catalogue is not None:
        (folder / "items.csv").write_text(catalogue, **encoding)
        arguments += ["--catalogue", str(folder / "items.csv")]
    values: dict[str, Any] = yaml.safe_load(init(folder, *arguments))
    return values


def lines(separator: str, *columns: str, header: str | None = None, times: Any = str) -> str:
    cells = {"user": 0, "item": 1, "rating": 2}
    rows = [
        separator.join(times(row[3]) if column == "time" else str(row[cells[column]]) for column in columns)
        for row in ROWS
    ]
    return "".join(f"{row}\n" for row in ([header] if header else []) + rows)


def iso(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


CATALOGUE = "".join(
    f"{n},i{n},Film {n} ({1980 + n % 30}),{['Drama', 'War|Drama', 'Comedy'][n % 3]},{n % 7 + 3}.50,"
    f"https://example.com/{n}.jpg,{'blue' if n % 2 else 'red'},2020-01-{n % 28 + 1:02d},,\n"
    for n in range(60)
)
CATALOGUE_HEADER = "row,film,name,genres,price,poster,colour,added,empty,also_empty\n"
