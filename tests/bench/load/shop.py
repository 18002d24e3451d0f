"""Makes a shop of any size with the pipeline itself: a known log, one epoch, a pushed version."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tests.bench.synthesize import synthesize

NAME = "load"

_ROOT = Path(__file__).parents[3]
HISTORY = 20
"""Items that a query names."""


def make_shop(folder: Path, items: int, rows: int, users: int = 20_000, dim: int = 64) -> Path:
    """Writes a log and a catalogue, runs the pipeline, and returns the config, whose serving folder has one version.

    Args:
        folder: A new folder.
        items: Size of the catalogue.
        rows: Interactions.
        users: Users of the log.
        dim: Numbers of an embedding.
    """
    synthesize(folder, rows=rows, users=users, items=items)
    config = folder / "load.yaml"
    settings = {
        "name": NAME,
        "log": {"path": "interactions/part-*.csv", "columns": {"value": "rating"}},
        "catalogue": {"path": "items.csv", "features": {"genres": {"kind": "category", "column": "genres"}}},
        "trainer": {"epochs": 1, "batch_size": 4096, "embedding_dim": dim},
        "gate": {"not_worse_than_item_item": None, "min_coverage": 0},  # speed is measured, not quality
        "service": {"auth": "off", "port": 0, "poll_seconds": 0.2},
    }
    config.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "pipeline.commands.cli", "run", "--config", str(config)]
    subprocess.run(command, cwd=_ROOT, stdout=subprocess.DEVNULL, check=True)
    return config


def push_again(config: Path) -> int:
    """Puts the newest version into the serving folder once more, with a higher number, and returns that."""
    serving = config.parent / "runs" / NAME / "serving"
    newest = max(int(folder.name) for folder in serving.iterdir() if folder.name.isdigit())
    number = max(newest + 1, int(time.time()))
    unfinished = serving.parent / f"unfinished-{number}"
    shutil.copytree(serving / str(newest), unfinished)
    os.rename(unfinished, serving / str(number))
    return number


def queries(items: int, number: int = 200) -> list[str]:
    """Paths of recommendations for different histories of 20 items."""
    paths = []
    for n in range(number):
        chosen = [f"b{(n * 7919 + one * 104_729) % items}" for one in range(HISTORY)]
        paths.append(f"/v1/recommendations?items={','.join(chosen)}&k=10")
    return paths


def users(number: int = 200) -> list[str]:
    """Paths of recommendations for users of the log."""
    return [f"/v1/recommendations?user={n}&k=10" for n in range(number)]


def event(n: int) -> bytes:
    """The body of an event that was not sent before."""
    return f'{{"event_id":"load {n}","type":"rating","value":4,"user":"{n % 1000}","item":"b{n % 100}"}}'.encode()
