"""Measures how long an evaluation takes: 50,000 users, 10,000 items, with and without a last blessed model."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import measure as measures
from tests.bench.synthesize import synthesize

LIMIT_SECONDS = 60
"""Time limit of an evaluation on 2 cores, bootstrap included."""

USERS, ITEMS, ROWS = 50_000, 10_000, 2_500_000
"""Number of evaluated users, of items, and of interactions in a log with so many users who have one to hold out."""


def write_log(folder: Path) -> None:
    """Writes the log, with 10 % more users than needed: some have a single interaction, and none to hold out."""
    synthesize(folder, rows=ROWS, users=USERS + USERS // 10, items=ITEMS)


def measure(log: Path, folder: Path) -> dict[str, Any]:
    """Trains a model on the log in this folder and evaluates it.

    Args:
        log: The folder of the log, from `write_log`.
        folder: The folder of the run.

    Returns:
        For each evaluation the seconds of its steps; and `users`.

    Raises:
        RuntimeError: An evaluation took longer than `LIMIT_SECONDS`.
    """
    from pipeline.ground.home import local_home
    from tests.pipeline.components.retrieval_evaluator.inputs import evaluate

    measures.perennial_pipeline(log, folder)
    config = measures._config(log, folder)
    artifacts = local_home(config) / "artifacts"
    examples, model = (next(artifacts.glob(kind)) for kind in ("InteractionGen/examples/*", "Trainer/model/*"))
    figures: dict[str, Any] = {}
    for name, last_blessed in (("first model", None), ("with a last blessed model", model)):
        since = time.perf_counter()
        document = evaluate(folder / name, examples, model, last_blessed).document
        figures[name] = {**document["seconds"], "executor": time.perf_counter() - since}
        figures["users"] = document["users"]["evaluated"]
        if figures[name]["executor"] > LIMIT_SECONDS:
            raise RuntimeError(f"{name}: {figures[name]}, more than {LIMIT_SECONDS} s")
    return figures


def show(console: Console, figures: dict[str, Any]) -> None:
    """Prints the seconds of each step."""
    names = [name for name in figures if isinstance(figures[name], dict)]
    table = Table("step, s", *names, title=f"{figures['users']:,} users against {ITEMS:,} items, bootstrap included")
    for step in figures[names[-1]]:
        table.add_row(step, *(f"{figures[name].get(step, 0):.1f}" for name in names))
    console.print(table)
    console.print(f"{figures['peak_gib']:.2f} GiB at peak, training and imports included.")
