"""The figures that user interfaces show: their keys, and how they reach an artifact on Vertex."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel

from configs.evaluation import LIST_K, Evaluation, Gate
from configs.serving import Serving
from documents.evaluation import ContenderMeasurements, EvaluationReport, Stability
from pipeline.components.retrieval_evaluator.ui_metrics import ui_metrics
from pipeline.ground.infra_blessing import BLESSED_PROPERTY
from tests import forked
from tests.documents.samples import EVALUATION, measured
from tests.pipeline.components.retrieval_evaluator.conftest import Shop
from tests.pipeline.components.retrieval_evaluator.inputs import evaluate

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[4]
SETTINGS = Evaluation(top_k=(1, 10), resamples=100)
GATE = Gate(min_users=5, last_blessed_metric="ndcg@10", required_slices=("user/known",))

NOTHING = measured(None)
DOCUMENT = EVALUATION.model_copy(
    update={
        "contenders": {
            "model": ContenderMeasurements(metrics={"ndcg@10": measured(0.25, 0.2, 0.3), "mrr": NOTHING}, slices={}),
            "item_item": ContenderMeasurements(metrics={"ndcg@10": measured(0.125, 0.1, 0.2)}, slices={}),
        },
        "neighbour_stability": Stability(mean_jaccard=0.5, items=9),
        "users": EVALUATION.users.model_copy(update={"evaluated": 38}),
    }
)


def test_stability_is_of_the_lists_that_are_measured() -> None:
    assert list(DOCUMENT.to_values()["neighbour_stability"]) == [f"mean_jaccard@{LIST_K}", "items"]


def test_ui_metrics_are_numbers_by_contender_and_leave_out_what_was_not_measured() -> None:
    assert ui_metrics(DOCUMENT) == {
        "ndcg_at_10": 0.25,
        "item_item_ndcg_at_10": 0.125,
        "neighbour_stability": 0.5,
        "users": 38.0,
        "failed_rules": 1.0,
        "blessed": 0.0,
    }


def test_ui_metrics_of_a_model_that_cannot_be_loaded_are_the_verdict() -> None:
    shown = ui_metrics(DOCUMENT.model_copy(update={"contenders": {}, "neighbour_stability": None}))
    assert shown == {"users": 38.0, "failed_rules": 1.0, "blessed": 0.0}


def test_executor_metrics_are_those_of_the_evaluation_under_keys_without_quotes(
    shop_artifacts: Shop, tmp_path: Path
) -> None:
    model = shop_artifacts.model
    result = evaluate(tmp_path, shop_artifacts.examples, model, model, SETTINGS, GATE, weighted=True)
    properties = result.metrics.mlmd_artifact.custom_properties
    shown = {key: value.double_value for key, value in properties.items()}
    for contender, prefix in (("model", ""), ("last_blessed", "last_blessed_"), ("popularity", "popularity_")):
        assert shown[f"{prefix}ndcg_at_10"] == result.value("ndcg@10", contender)
        assert shown[f"{prefix}mrr"] == result.value("mrr", contender)
    assert (shown["users"], shown["blessed"]) == (38, float(result.blessed))
    assert shown["failed_rules"] == len(result.failed)
    for key in shown:
        assert re.fullmatch("[a-z][a-z0-9_]*", key)
    # As a condition of Kubeflow Pipelines would ask.
    environment = celpy.Environment()
    asked = environment.program(environment.compile("metadata.ndcg_at_10 > 2.0 || metadata.users == 38.0"))
    assert asked.evaluate({"metadata": json_to_cel(shown)})


def _given(title: str, uri: Path, **metadata: Any) -> dict[str, Any]:
    """An artifact as Vertex describes it in the task's input, of the type that the compiled job names."""
    name = f"projects/1/locations/europe-west4/metadataStores/default/artifacts/{uri.name}"
    schema = {"instanceSchema": f"title: {title}\ntype: object\n"}
    if title.startswith("system."):
        schema = {"schemaTitle": title, "schemaVersion": "0.0.1"}
    return {"artifacts": [{"name": name, "uri": str(uri), "type": schema, "metadata": metadata}]}


def test_task_on_vertex_writes_the_metrics_as_metadata_of_a_system_metrics(
    shop_artifacts: Shop, tmp_path: Path
) -> None:
    # No other module of ours is imported there before the output's type is looked for.
    output_file = tmp_path / "task" / "executor_output.json"
    executor_input = {
        "inputs": {
            "artifacts": {
                "examples": _given("tfx.Examples", shop_artifacts.examples, split_names='["train", "eval"]'),
                "model": _given("tfx.Model", shop_artifacts.model),
                "infra_blessing": _given("tfx.InfraBlessing", tmp_path / "checked", **{BLESSED_PROPERTY: 1}),
                "data_blessing": _given("pipeline.DataBlessing", tmp_path / "data"),
            },
            "parameterValues": {
                "settings": SETTINGS.model_dump_json(),
                "gate": GATE.model_dump_json(),
                "weighted": 1,
                "serving": Serving().model_dump_json(),
                "code_digest": "abc",
            },
        },
        "outputs": {
            "artifacts": {
                "evaluation": _given("tfx.ModelEvaluation", tmp_path / "evaluation"),
                "blessing": _given("tfx.ModelBlessing", tmp_path / "blessing"),
                "metrics": _given("system.Metrics", tmp_path / "metrics"),
            },
            "outputFile": str(output_file),
        },
    }
    parameters = {name: {"parameterType": "STRING"} for name in ("settings", "gate", "serving", "code_digest")}
    spec = {"parameters": {**parameters, "weighted": {"parameterType": "NUMBER_INTEGER"}}}
    command = [forked.python(), "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"]
    given = {
        "executor_class_path": "pipeline.components.retrieval_evaluator.executor.Executor",
        "json_serialized_invocation_args": json.dumps(executor_input),
        "json_serialized_inputs_spec_args": json.dumps(spec),
    }
    arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
    done = subprocess.run(
        [*command, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(output_file.read_text())["artifacts"]["metrics"]["artifacts"][0]
    assert shown["uri"] == str(tmp_path / "metrics")
    metadata = {key: value for key, value in shown["metadata"].items() if key != "tfx_version"}
    assert metadata == ui_metrics(EvaluationReport.read(tmp_path / "evaluation"))
