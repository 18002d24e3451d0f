"""A folder in which a small pipeline is rehearsed, and run by LocalDagRunner."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from pipeline.job.rehearsal.records import Records
from tests import forked
from tests.bench.synthesize import synthesize

DIGEST = "sha256:" + "0" * 64
# A data set of the registry in the shape that `synthesize` writes.
CONFIG = {
    "name": "books",
    "log": {
        "path": "dataset://books-40m/interactions/part-*.csv",
        "columns": {"user_id": "user_id", "item_id": "item_id", "value": "rating", "timestamp": "timestamp"},
        "cleaning": {"positive_min": 3},
    },
    "catalogue": {
        "path": "dataset://books-40m/items.csv",
        "item_id": "item_id",
        "title": "title",
        "features": {"genres": {"kind": "category", "column": "genres"}},
    },
    "trainer": {"epochs": 4, "batch_size": 256, "embedding_dim": 16},
    "gate": {"not_worse_than_item_item": None},  # as in `tests.shop`
    "output_dir": "runs",
    "vertex": {
        "project": "example-project",
        "region": "europe-west4",
        "pipeline_root": "gs://example-bucket/books/artifacts",
        "serving_dir": "gs://example-bucket/books/serving",
        "data_dir": "gs://example-data/datasets",
        "image": f"europe-docker.pkg.dev/example-project/perennial/pipeline@{DIGEST}",
        "service_account": "pipeline@example-project.iam.gserviceaccount.com",
    },
}


class Place:
    """A folder with the data, the YAML, and the runs of both kinds."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        """Makes it.

        Args:
            folder: The folder.
            **changes: Sections of the YAML that replace those of `CONFIG`, or are added.
        """
        self.folder = folder
        self.home = folder / "runs" / "books"
        self.rehearsal = self.home / "rehearsal"
        synthesize(folder / "datasets" / "books-40m", rows=12_000, users=400, items=150)
        (folder / "books.yaml").write_text(yaml.safe_dump({**CONFIG, **changes}))

    def perennial(self, *command: str) -> str:
        """Runs a command, which must succeed, and returns what it printed."""
        environment = {
            **os.environ,
            "PERENNIAL_DATA": str(self.folder / "datasets"),
            "PERENNIAL_CONFIG": str(self.folder / "books.yaml"),
            "COLUMNS": "200",
        }
        ran = subprocess.run(
            [forked.python(), "-m", "pipeline.commands.cli", *command],
            cwd=Path(__file__).parents[4],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    @property
    def runs(self) -> list[str]:
        """Ids of rehearsals, the oldest first."""
        return sorted(folder.name for folder in (self.rehearsal / "runs").iterdir())

    def records(self, number: int) -> dict[str, Any]:
        """The records of a rehearsal's tasks, by task; -1 is the newest."""
        return Records(self.rehearsal / "runs", "books").of_run(self.runs[number])

    def here(self, uri: str) -> Path:
        """The folder on this machine that stands for one in a bucket."""
        return Path(uri.replace("gs://", f"{self.rehearsal}/buckets/"))

    def output(self, number: int, task: str, key: str) -> Path:
        """The folder of an output of a task in a rehearsal."""
        return self.here(self.records(number)[task].artifacts[key][0].uri)
