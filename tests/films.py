"""The pipeline of MovieLens 100K in a folder, run for real."""

import dataclasses
import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import RunOptions

from configs.load import DEFAULT_CONFIG, load_config
from configs.split import Split
from pipeline.datasets import layouts
from pipeline.ground.places import Places
from pipeline.pipeline import create_pipeline
from pipeline.store.runs.records import Run, read_runs
from serving_signatures.provenance import model_digest
from tests import forked
from tests.once import once
from tests.real_data import real_data

OTHER_SEED = 1
"""The seed of the model that was trained, and neither judged nor pushed."""


@dataclasses.dataclass
class Films:
    """The pipeline and its data."""

    folder: Path
    ratings: list[str]
    items: list[str]

    @property
    def serving(self) -> Path:
        return self.folder / "serving"

    def run(
        self,
        ratings: list[str] | None = None,
        items: list[str] | None = None,
        split: Split | None = None,
        to_nodes: list[str] | None = None,
        **changes: Any,
    ) -> Run:
        """Runs the pipeline on this data, split like this, with these changes of the trainer's config."""
        log, catalogue = self._file("".join(ratings or self.ratings)), self._file("".join(items or self.items))
        config = load_config(DEFAULT_CONFIG)
        split_log = config.log.model_copy(update={"split": split or config.log.split})
        config = config.model_copy(update={"trainer": config.trainer.model_copy(update=changes), "log": split_log})
        places = Places(
            pipeline_root=str(self.folder / "artifacts"),
            serving_dir=str(self.serving),
            log_paths=str(log),
            catalogue_path=str(catalogue),
            interactions_schema=None,
            catalogue_schema=None,
            metadata_path=str(self.folder / "metadata.db"),
        )
        options = RunOptions(to_nodes=to_nodes) if to_nodes else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "executable", forked.python())  # for the process of ServingCheck
            LocalDagRunner().run(create_pipeline(config, places), run_options=options)
        return read_runs(str(self.folder / "metadata.db"), config.name)[-1]

    def _file(self, content: str) -> Path:
        """Returns a file with this content, and the same file for the same content, so that what is cached is used."""
        file = self.folder / f"{hashlib.sha256(content.encode()).hexdigest()}.tsv"
        if not file.exists():
            file.write_text(content)
        return file

    def served(self) -> dict[str, str]:
        """Version to the digest of what lies there."""
        return {path.name: model_digest(str(path)) for path in self.serving.iterdir() if path.name.isdigit()}

    @property
    def first_runs(self) -> tuple[Run, Run]:
        """The run that pushed a model, and the one that trained a model with another seed."""
        pushed, other = read_runs(str(self.folder / "metadata.db"), load_config(DEFAULT_CONFIG).name)[:2]
        return pushed, other


def films() -> Films:
    """Returns the pipeline after two runs: a whole one, and one up to the trainer with `OTHER_SEED`.

    All tests share it. Only the tests of one file may run it again; what the first runs made stays as it is.
    """
    data = real_data("movielens-100k")
    published = {name: (data / name).read_bytes() for name in ("u.data", "u.item")}
    files = layouts.movielens_official(published)
    lines = {name: content.decode().splitlines(keepends=True) for name, content in files.items()}

    def make(folder: Path) -> None:
        folder.mkdir()
        films = Films(folder, lines["ratings.tsv"], lines["items.tsv"])
        films.run()
        films.run(seed=OTHER_SEED, to_nodes=["Trainer"])

    return Films(once("films", make), lines["ratings.tsv"], lines["items.tsv"])
