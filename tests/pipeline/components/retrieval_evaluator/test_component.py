"""The declaration: its channels, and what it refuses."""

import json

import pytest
from tfx import types
from tfx.types import standard_artifacts

from common.errors import ConfigError
from configs.evaluation import Evaluation, Gate
from configs.serving import Serving
from pipeline.components.retrieval_evaluator.component import RetrievalEvaluator
from pipeline.ground.artifacts import DataBlessing, EvaluationMetrics


def declared(gate: Gate) -> RetrievalEvaluator:
    return RetrievalEvaluator(
        examples=types.Channel(type=standard_artifacts.Examples),
        model=types.Channel(type=standard_artifacts.Model),
        infra_blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        data_blessing=types.Channel(type=DataBlessing),
        settings=Evaluation(),
        gate=gate,
        weighted=True,
        serving=Serving(leave_out="nothing"),
    )


def test_component_carries_settings_as_strings_and_gives_a_blessing() -> None:
    component = declared(Gate(min_users=7))
    assert json.loads(component.exec_properties["gate"])["min_users"] == 7
    assert Evaluation.model_validate_json(component.exec_properties["settings"]) == Evaluation()
    assert component.exec_properties["weighted"] == 1
    assert Serving.model_validate_json(component.exec_properties["serving"]).rule == "nothing"
    assert {name: channel.type for name, channel in component.outputs.items()} == {
        "evaluation": standard_artifacts.ModelEvaluation,
        "blessing": standard_artifacts.ModelBlessing,
        "metrics": EvaluationMetrics,
    }


def test_component_gate_on_what_is_not_measured_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="recall@7"):
        declared(Gate(floor={"recall@7": 0.1}))
