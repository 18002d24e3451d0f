"""Runs RetrievalEvaluator's executor on artifacts, like a runner."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils, standard_artifacts

from configs.evaluation import Evaluation, Gate
from configs.leave_out import LeaveOut
from configs.serving import Serving
from pipeline.components.retrieval_evaluator.executor import Executor
from pipeline.ground.artifacts import DataBlessing, EvaluationMetrics
from pipeline.ground.infra_blessing import BLESSED_PROPERTY
from pipeline.ground.presence import mark_absent
from tests.documents.samples import SERVING_CHECK, changed


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """The outputs of an execution: evaluation.json, the rules by name, and the artifacts."""

    document: dict[str, Any]
    evaluation: Any
    blessing: Any
    metrics: Any

    @property
    def blessed(self) -> bool:
        return bool(self.document["decision"]["blessed"])

    @property
    def failed(self) -> set[str]:
        return {rule["rule"] for rule in self.document["decision"]["rules"] if not rule["passed"]}

    def value(self, metric: str, contender: str = "model") -> float:
        return float(self.document["contenders"][contender]["metrics"][metric]["value"])


def evaluate(
    folder: Path,
    examples: Path,
    model: Path,
    last_blessed: Path | None = None,
    settings: Evaluation | None = None,
    gate: Gate | None = None,
    weighted: bool = False,
    serving_failures: Sequence[str] = (),
    leave_out: LeaveOut | None = None,
) -> Evaluated:
    """Evaluates a model artifact.

    Args:
        folder: The folder of the outputs.
        examples: Artifact with `Split-train` and `Split-eval`.
        model: Artifact with `Format-Serving`.
        last_blessed: Artifact with `Format-Serving`; None: an artifact that says that there is none.
        settings: How to measure.
        gate: The limits.
        weighted: Whether values are weights of the history.
        serving_failures: Why ServingCheck refused the model; if empty, it blessed the model.
        leave_out: What is left out.
    """
    inputs = {"examples": [artifact(standard_artifacts.Examples, examples, 1)]}
    inputs["examples"][0].split_names = artifact_utils.encode_split_names(["train", "eval"])
    inputs["model"] = [artifact(standard_artifacts.Model, model, 2)]
    inputs["baseline_model"] = [artifact(standard_artifacts.Model, last_blessed or folder / "none", 3)]
    if last_blessed is None:
        mark_absent(inputs["baseline_model"][0])
    checked = artifact(standard_artifacts.InfraBlessing, folder / "serving_check", 6)
    checked.set_int_custom_property(BLESSED_PROPERTY, int(not serving_failures))
    changed(SERVING_CHECK, failures=list(serving_failures)).write(folder / "serving_check")
    inputs["infra_blessing"] = [checked]
    inputs["data_blessing"] = [artifact(DataBlessing, folder / "data_blessing", 8)]
    outputs = {
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, folder / "evaluation", 4)],
        "blessing": [artifact(standard_artifacts.ModelBlessing, folder / "blessing", 5)],
        "metrics": [artifact(EvaluationMetrics, folder / "metrics", 7)],
    }
    Executor().Do(
        inputs,
        outputs,
        {
            "settings": (settings or Evaluation()).model_dump_json(),
            "gate": (gate or Gate()).model_dump_json(),
            "weighted": int(weighted),
            "serving": Serving(leave_out=leave_out).model_dump_json(),
            "code_digest": "abc",
        },
    )
    document = json.loads((folder / "evaluation" / "evaluation.json").read_text())
    return Evaluated(document, *(outputs[key][0] for key in ("evaluation", "blessing", "metrics")))


def artifact(kind: Any, uri: Path, number: int) -> Any:
    """Makes an artifact like one from the metadata store."""
    made = kind()
    made.uri, made.id = str(uri), number
    return made
