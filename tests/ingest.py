"""Runs the two ExampleGens' executors on files, and reads back what they wrote."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from configs.catalogue import CatalogueSettings
from configs.ids import Ids
from configs.leave_out import LeaveOut
from configs.log import LogSettings
from configs.pipeline import PipelineConfig
from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from pipeline.components.catalogue_gen import executor as catalogue_executor
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.interaction_gen import executor as interaction_executor
from pipeline.components.interaction_gen.component import InteractionGen

Row = dict[str, list[Any]]


@dataclass
class Ingested:
    """An artifact of Examples, read back."""

    artifact: types.Artifact
    report: dict[str, Any]
    quarantine: list[dict[str, Any]]

    @cached_property
    def splits(self) -> dict[str, list[bytes]]:
        """Serialized Examples of each split, in the order of the files."""
        found = {}
        for split in json.loads(self.artifact.split_names):
            files = sorted(str(f) for f in (Path(self.artifact.uri) / f"Split-{split}").iterdir())
            found[split] = [r.numpy() for r in tf.data.TFRecordDataset(files, compression_type="GZIP")]
        return found

    def rows(self, split: str) -> list[Row]:
        """The Examples as lists of values: bytes as text, a missing feature absent."""
        return [_values(example) for example in self.splits[split]]

    def by_user(self, split: str) -> dict[str, Row]:
        return {row["user_id"][0]: row for row in self.rows(split)}


def log_config(**changes: Any) -> LogSettings:
    """A log of `user_id,item_id,rating,timestamp` with a header."""
    columns = {"user_id": "user_id", "item_id": "item_id", "value": "rating", "timestamp": "timestamp"}
    return LogSettings.model_validate({"columns": columns, **changes})


def run_interaction_gen(
    log: LogSettings,
    paths: str | dict[str, str],
    out: Path,
    *beam_args: str,
    ids: Ids | None = None,
    leave_out: LeaveOut = "everything",
    max_history: int = 0,
) -> Ingested:
    component = InteractionGen(log, paths, ids=ids, leave_out=leave_out, max_history=max_history)
    examples = _artifact(out)
    executor = interaction_executor.Executor(beam_context(*beam_args))
    executor.Do({}, {"examples": [examples]}, _properties(component))
    return _read(examples, CleaningReport.FILE)


def run_catalogue_gen(
    catalogue: CatalogueSettings | None, path: str, interactions: types.Artifact, out: Path, *beam_args: str
) -> Ingested:
    component = CatalogueGen(catalogue, path, types.Channel(type=standard_artifacts.Examples))
    examples = _artifact(out)
    executor = catalogue_executor.Executor(beam_context(*beam_args))
    executor.Do({"interactions": [interactions]}, {"examples": [examples]}, _properties(component))
    return _read(examples, CatalogueReport.FILE)


def beam_context(*beam_args: str) -> BaseBeamExecutor.Context:
    """The Beam flags of a local run, and others."""
    flags = PipelineConfig.model_fields["beam_pipeline_args"].default
    return BaseBeamExecutor.Context(beam_pipeline_args=[*flags, *beam_args])


def _artifact(out: Path) -> types.Artifact:
    examples = standard_artifacts.Examples()
    examples.uri = str(out)
    return examples


def _properties(component: Any) -> dict[str, Any]:
    return {
        name: value if isinstance(value, (str, int)) else proto_utils.proto_to_json(value)
        for name, value in component.exec_properties.items()
        if value is not None
    }


def _read(examples: types.Artifact, report_file: str) -> Ingested:
    folder = Path(examples.uri)
    quarantine = (folder / "quarantine.jsonl").read_text() if (folder / "quarantine.jsonl").exists() else ""
    return Ingested(
        examples,
        json.loads((folder / report_file).read_text()),
        [json.loads(line) for line in quarantine.splitlines()],
    )


def _values(example: bytes) -> Row:
    row: Row = {}
    for name, feature in tf.train.Example.FromString(example).features.feature.items():
        kind = feature.WhichOneof("kind")
        if kind is not None:
            values = list(getattr(feature, kind).value)
            row[name] = [v.decode() if isinstance(v, bytes) else v for v in values]
    return row
