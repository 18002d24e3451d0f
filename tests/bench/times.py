"""Measures how much longer ingest takes if the log's times are texts in ISO 8601, in their usual forms."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from rich.console import Console
from rich.table import Table

from tests.bench import measure
from tests.bench.synthesize import synthesize

LIMIT = 1.5
"""Most times the ingest of Unix seconds."""

ROWS = 3_000_000
UNIX = "Unix seconds"
FORMS = {"2023-11-14T23:37:47Z": "%Y-%m-%dT%H:%M:%SZ", "2023-11-14 23:37:47": "%Y-%m-%d %H:%M:%S"}


def run(folder: Path) -> dict[str, float]:
    """Measures.

    Args:
        folder: An empty folder for the logs and the artifacts.

    Returns:
        The seconds of InteractionGen by the form of the times.

    Raises:
        RuntimeError: A form takes more than `LIMIT` times the seconds of Unix seconds.
    """
    logs = {UNIX: folder / "unix"}
    synthesize(logs[UNIX], rows=ROWS, users=60_000, items=10_000)
    for n, (name, form) in enumerate(FORMS.items()):
        logs[name] = folder / f"iso-{n}"
        _rewrite(logs[UNIX], logs[name], form)
    seconds = {
        name: measure.in_a_process(measure.ingest, log, folder / f"run-{n}")["InteractionGen"]
        for n, (name, log) in enumerate(logs.items())
    }
    slow = {name: took for name, took in seconds.items() if took > LIMIT * seconds[UNIX]}
    if slow:
        raise RuntimeError(f"{slow}: more than {LIMIT} times the {seconds[UNIX]:.1f} s of {UNIX}")
    return seconds


def show(console: Console, seconds: dict[str, float]) -> None:
    """Prints the seconds of each form."""
    table = Table("times", "InteractionGen, s", "times Unix seconds", title=f"{ROWS:,} rows by the form of their times")
    for name, took in seconds.items():
        table.add_row(name, f"{took:.1f}", f"{took / seconds[UNIX]:.2f}")
    console.print(table)


def _rewrite(log: Path, other: Path, form: str) -> None:
    (other / "interactions").mkdir(parents=True)
    (other / "items.csv").write_bytes((log / "items.csv").read_bytes())
    for part in sorted((log / "interactions").iterdir()):
        table: Any = csv.read_csv(part)
        moments = table.column("timestamp").cast(pa.timestamp("s"))
        table = table.set_column(3, "timestamp", pc.strftime(moments, form))
        with (other / "interactions" / part.name).open("wb") as file:
            file.write(",".join(table.column_names).encode() + b"\n")
            csv.write_csv(table, file, csv.WriteOptions(include_header=False))
