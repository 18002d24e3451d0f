"""Makes a small shop in a folder, the data for tests of whole pipelines."""

import atexit
import functools
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.bench.synthesize import synthesize
from tests.forked import Commands

USERS, ITEMS, ROWS = 400, 150, 12_000


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
                    "output_dir": "runs",
                }
            )
        )

    def run(self, *command: str, config: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs a command of the environment, in the folder."""
        return subprocess.run(command, cwd=self.folder, env=self._environment(config), text=True, capture_output=True)

    def perennial(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs `perennial` in the folder, in a fork of a process that has imported the libraries."""
        return _commands().run(arguments, self.folder, self._environment(True))

    def _environment(self, config: bool) -> dict[str, str]:
        environment = {**os.environ, "LOCAL_HOME": str(self.folder / "tfx"), "COLUMNS": "120"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment.pop("PERENNIAL_CONFIG", None)
        if config:
            environment["PERENNIAL_CONFIG"] = str(self.config)
        return environment

    @property
    def versions(self) -> list[Path]:
        """Pushed models, oldest first."""
        return sorted((self.home / "serving").iterdir(), key=lambda version: int(version.name))


@functools.cache
def _commands() -> Commands:
    """The one process from which the commands of all shops are forked."""
    commands = Commands()
    atexit.register(commands.close)
    return commands
