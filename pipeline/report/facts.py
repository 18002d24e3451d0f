"""Reads the facts of a run's report page from the run's artifacts.

The artifacts are found in the metadata store (after a local run, also a failed one) or in the channels of the RunReport
component. Facts that do not exist are None: a failed run has no evaluation, a first run has no model to compare with.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.io import fileio

from common.errors import OutputError
from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from documents.comparison import ComparisonReport
from documents.data_gate import DataGateReport, FoundAnomaly
from documents.document import Document
from documents.evaluation import MODEL, ContenderMeasurements, EvaluationReport
from documents.event_statistics import EventStatistics
from documents.metrics import Epoch, TrainingMetrics
from documents.push_report import PushReport
from documents.retraining import RetrainingReport
from documents.serving_check import ServingCheckReport
from documents.warm_start import WarmStartReport
from pipeline.ground.anomalies import findings
from pipeline.ground.layout import ANOMALIES_FILE
from pipeline.store.runs.records import Run

PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "interactions": (("InteractionGen", "examples"),),
    "catalogue": (("CatalogueGen", "examples"),),
    "interaction_anomalies": (("InteractionsExampleValidator", "anomalies"),),
    "catalogue_anomalies": (("CatalogueExampleValidator", "anomalies"),),
    "data_blessing": (("DataGate", "blessing"),),
    "model": (("Trainer", "model"), ("ModelComparison", "model")),
    "model_run": (("Trainer", "model_run"), ("ModelComparison", "model_run")),
    "comparison": (("ModelComparison", "comparison"),),
    "retraining": (("RetrainingCheck", "decision"),),
    "evaluation": (("RetrievalEvaluator", "evaluation"),),
    "blessing": (("RetrievalEvaluator", "blessing"),),
    "infra_blessing": (("ServingCheck", "blessing"), ("ModelComparison", "infra_blessing")),
    "pushed_model": (("Pusher", "pushed_model"),),
}
"""The node and output key of each part of a run, by the part's name; the parts are RunReport's channels. A
comparison makes some of them in other nodes."""

_DOCUMENTS: dict[str, tuple[str, type[Document]]] = {
    "cleaning": ("interactions", CleaningReport),
    "events": ("interactions", EventStatistics),
    "catalogue": ("catalogue", CatalogueReport),
    "data_gate": ("data_blessing", DataGateReport),
    "training": ("model_run", TrainingMetrics),
    "warm_start": ("model_run", WarmStartReport),
    "comparison": ("comparison", ComparisonReport),
    "retraining": ("retraining", RetrainingReport),
    "evaluation": ("evaluation", EvaluationReport),
    "serving_check": ("infra_blessing", ServingCheckReport),
    "push": ("pushed_model", PushReport),
}
"""The part that holds the document of a field of `RunFacts`, and the document's type, by the field's name."""

_UNREADABLE = (OutputError, OSError, tf.errors.OpError, DecodeError)
"""Errors of a file that is damaged or may not be read."""

_LOGGER = logging.getLogger("perennial.report")


@dataclass(frozen=True)
class Part:
    """An artifact of a run."""

    uri: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFacts:
    """All facts that a page shows."""

    pipeline: str
    run: Run | None = None
    """The run from the metadata store: states, times, errors, lineage. None while the run is still at work."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    cleaning: CleaningReport | None = None
    events: EventStatistics | None = None
    """What became of the service's answers; None if the log has no events of a service."""

    catalogue: CatalogueReport | None = None
    anomalies: tuple[FoundAnomaly, ...] | None = None
    """None if no validator ran."""

    data_gate: DataGateReport | None = None
    training: TrainingMetrics | None = None
    warm_start: WarmStartReport | None = None
    comparison: ComparisonReport | None = None
    """None if the run trained one model."""

    retraining: RetrainingReport | None = None
    """None if the config does not ask whether training is due."""

    evaluation: EvaluationReport | None = None
    serving_check: ServingCheckReport | None = None
    push: PushReport | None = None

    def is_ignored(self, anomaly: FoundAnomaly) -> bool:
        """Tells whether the config told DataGate to ignore an anomaly; False if DataGate stopped the run."""
        ignored = self.data_gate.ignored if self.data_gate else ()
        return anomaly.model_copy(update={"ignored": True}) in ignored

    @property
    def is_handed_on(self) -> bool:
        """Whether the model is a copy of the last blessed one; then `training` is from the run that trained it."""
        return self.warm_start is not None and self.warm_start.unchanged

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs of this run's training; empty if nothing was trained."""
        return self.training.epochs if self.training and not self.is_handed_on else ()

    @property
    def contenders(self) -> dict[str, ContenderMeasurements]:
        """The evaluation's contenders; empty if there is no evaluation, or the model could not answer."""
        found = self.evaluation.contenders if self.evaluation else {}
        return found if MODEL in found else {}


def parts_of_run(run: Run) -> dict[str, Part]:
    """Returns the artifacts of a recorded run by part, including those reused from the cache."""
    outputs = {(node.node_id, key): refs for node in run.nodes for key, refs in node.outputs.items() if refs}
    found = {name: [outputs[place][-1] for place in places if place in outputs] for name, places in PARTS.items()}
    return {name: Part(refs[0].uri, refs[0].properties) for name, refs in found.items() if refs}


def read_facts(pipeline: str, parts: Mapping[str, Part], run: Run | None = None) -> RunFacts:
    """Reads the contents of the artifacts.

    Args:
        pipeline: The pipeline's name.
        parts: Artifacts by the names in `PARTS`; any may be missing, and so may their files.
        run: The run from the metadata store; None if it is still at work.

    Returns:
        The facts. A file that exists but cannot be read counts as missing, and a warning is logged.
    """
    documents: dict[str, Any] = {
        name: _document(parts[part].uri, kind) for name, (part, kind) in _DOCUMENTS.items() if part in parts
    }
    found: list[FoundAnomaly] | None = None
    for data, part in (("interactions", "interaction_anomalies"), ("catalogue", "catalogue_anomalies")):
        if part not in parts:
            continue
        try:
            if fileio.exists(parts[part].uri):
                found = (found or []) + _anomalies(data, parts[part].uri)
        except _UNREADABLE as e:
            _LOGGER.warning("anomalies of %s cannot be read; the report leaves them out: %s", data, e)
    return RunFacts(
        pipeline=pipeline,
        run=run,
        parts=dict(parts),
        anomalies=None if found is None else tuple(found),
        **documents,
    )


def _document(uri: str, kind: type[Document]) -> Document | None:
    try:
        return kind.find(uri)
    except _UNREADABLE as e:
        _LOGGER.warning("The report leaves out a document. %s", e)
        return None


def _anomalies(data: str, uri: str) -> list[FoundAnomaly]:
    reports = {}
    for folder in sorted(fileio.listdir(uri)):
        path = os.path.join(uri, folder, ANOMALIES_FILE)
        if not folder.startswith("Split-"):
            continue
        split = folder.rstrip("/").removeprefix("Split-")
        try:
            if not fileio.exists(path):
                continue
            with fileio.open(path, "rb") as file:
                reports[data, split] = anomalies_pb2.Anomalies.FromString(file.read())
        except _UNREADABLE:
            _LOGGER.warning("anomalies of %s/%s cannot be read; the report leaves them out", data, split)
    return findings(reports)
