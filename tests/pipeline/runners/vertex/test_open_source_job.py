"""The YAML for the open-source backend of Kubeflow Pipelines."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components

from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex.machines import Accelerator, Resources
from pipeline.job.compiled import read_job
from pipeline.job.lint import job_findings
from pipeline.runners.vertex.compile import compile_job
from pipeline.runners.vertex.context import job_context
from tests.pipeline.vertex_settings import config_with


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_job(load_config(DEFAULT_CONFIG), str(tmp_path_factory.mktemp("job")), "pipeline.yaml")


@pytest.fixture(scope="module")
def spec(job_file: Path) -> Any:
    return yaml.safe_load(job_file.read_text())


def test_yaml_is_loaded_by_kfps_sdk_with_its_name_tasks_and_parameters(job_file: Path, spec: Any) -> None:
    loaded = components.load_component_from_file(str(job_file))
    assert loaded.name == "movielens-100k"
    assert set(loaded.pipeline_spec.root.dag.tasks) == set(spec["root"]["dag"]["tasks"])
    inputs = loaded.component_spec.inputs
    assert inputs["log_dir"].type == "String"
    assert inputs["log_dir"].default == "gs://example-bucket/perennial/datasets/movielens-100k"


def test_yaml_has_no_resolver_and_no_driver_and_lint_finds_nothing(job_file: Path, spec: Any) -> None:
    executors = spec["deploymentSpec"]["executors"].values()
    assert {kind for executor in executors for kind in executor} == {"container"}
    assert not any("lifecycle" in executor["container"] for executor in executors)
    assert job_findings(read_job(job_file), job_context(load_config(DEFAULT_CONFIG))) == []


def test_yaml_tasks_whose_answer_changes_without_their_inputs_are_not_cached(spec: Any) -> None:
    cached = {
        name: task.get("cachingOptions", {}).get("enableCache", False)
        for name, task in spec["root"]["dag"]["tasks"].items()
    }
    assert {name for name, is_cached in cached.items() if not is_cached} == {
        "InteractionGen",
        "CatalogueGen",
        "LiveModelResolver",
    }


def test_yaml_last_blessed_model_is_what_is_served(spec: Any) -> None:
    for task, channel in (
        ("DataGate", "last_model"),
        ("Trainer", "base_model"),
        ("RetrievalEvaluator", "baseline_model"),
    ):
        source = spec["root"]["dag"]["tasks"][task]["inputs"]["artifacts"][channel]["taskOutputArtifact"]
        assert source == {"producerTask": "LiveModelResolver", "outputArtifactKey": "model"}


def test_yaml_says_where_artifacts_go_and_names_gpus_as_kubernetes_does(tmp_path: Path) -> None:
    gpu = Resources(accelerator=Accelerator(type="NVIDIA_L4", count=2))
    config = config_with(task_resources={"Trainer": gpu})
    spec = yaml.safe_load(compile_job(config, str(tmp_path), "pipeline.yaml").read_text())
    assert config.vertex is not None
    assert spec["defaultPipelineRoot"] == config.vertex.pipeline_root
    container = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]
    assert container["resources"]["accelerator"] == {"type": "nvidia.com/gpu", "count": "2"}
