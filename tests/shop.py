"""Makes a small shop in a folder, the data for tests of whole pipelines."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests import forked
from tests.bench.synthesize import synthesize

USERS, ITEMS, ROWS = 400, 150, 12_000

MAX_HISTORY = 20
"""Fewer than some users have liked, so that their histories are cut."""


class Shop:
    """A folder with a log, a catalogue and a YAML, in which commands can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "shop.yaml"
        self.home = folder / "runs" / "shop"
        synthesize(folder, rows=ROWS, users=USERS, items=ITEMS)
        self.config.write_text(
            yaml.safe_dump(
                {
                    "name": "shop",
                    "log": {
                        "path": "interactions/part-*.csv",
                        "columns": {"value": "rating", "timestamp": "timestamp"},
                        "cleaning": {"positive_min": 3},
                    },
                    "catalogue": {
                        "path": "items.csv",
                        "features": {"genres": {"kind": "category", "column": "genres"}},
                    },
                    "trainer": {"epochs": 4, "batch_size": 256, "embedding_dim": 16},
                    # Four epochs of 16 numbers do not reach item-item, which is not what these tests are about.
                    "gate": {"not_worse_than_item_item": None},
                    "service": {"max_history": MAX_HISTORY},
                    "output_dir": "runs",
                }
            )
        )

    def run(self, *command: str, config: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs a command of the environment, in the folder."""
        environment = self._environment(Path(sys.executable).parent, config)
        return subprocess.run(command, cwd=self.folder, env=environment, text=True, capture_output=True)

    def forked(self, *command: str, config: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs `python`, `perennial` or `tfx` in the folder, in forks of a process that has imported the libraries."""
        environment = {**self._environment(forked.programs(), config), forked.NESTED: forked.python()}
        return subprocess.run(command, cwd=self.folder, env=environment, text=True, capture_output=True)

    def _environment(self, programs: Path, config: bool) -> dict[str, str]:
        environment = {**os.environ, "LOCAL_HOME": str(self.folder / "tfx"), "COLUMNS": "120"}
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
        environment.pop("PERENNIAL_CONFIG", None)
        if config:
            environment["PERENNIAL_CONFIG"] = str(self.config)
        return environment

    @property
    def versions(self) -> list[Path]:
        """Pushed models, oldest first."""
        return sorted((self.home / "serving").iterdir(), key=lambda version: int(version.name))
