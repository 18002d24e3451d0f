"""What our compiler puts into a job that TFX's leaves out."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp import dsl
from kfp.pipeline_spec import pipeline_spec_pb2

from common.errors import ConfigError
from pipeline.runners.vertex.compile import compile_job
from tests.pipeline.vertex_settings import config_with, containers_of, job_with, tasks_of


def test_compile_job_task_resources_are_on_their_task_and_the_others_have_the_common_ones() -> None:
    gpus = {"type": "NVIDIA_TESLA_T4", "count": 2}
    job = job_with(
        resources={"cpu": 2, "memory_gb": 8},
        task_resources={"Trainer": {"cpu": 8, "memory_gb": 30, "accelerator": gpus}},
    )
    containers = containers_of(job)
    assert containers["Trainer"]["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 30.0,
        "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "2"},
    }
    # ExampleGens too, which TFX's own compiler gives none.
    others = {task: container["resources"] for task, container in containers.items() if task != "Trainer"}
    assert {"InteractionGen", "CatalogueGen", "Pusher", "RunReport"} <= others.keys()
    assert all(resources == {"cpuLimit": 2.0, "memoryLimit": 8.0} for resources in others.values())


def test_compile_job_resources_and_retries_are_what_the_published_spec_takes() -> None:
    job = job_with(
        task_resources={"Trainer": {"accelerator": {"type": "NVIDIA_L4", "count": 1}}},
        retries={"max_count": 3, "backoff_seconds": 90, "backoff_factor": 1.5, "backoff_max_seconds": 600},
    )
    spec = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    policies = [task.retry_policy for task in spec.root.dag.tasks.values()]
    assert len(policies) == len(tasks_of(job))
    for policy in policies:
        assert (policy.max_retry_count, policy.backoff_factor) == (3, 1.5)
        assert (policy.backoff_duration.seconds, policy.backoff_max_duration.seconds) == (90, 600)
    deployment = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    resources = deployment.executors["Trainer_executor"].container.resources
    assert (resources.cpu_limit, resources.memory_limit) == (4, 16)
    assert (resources.accelerator.type, resources.accelerator.count) == ("NVIDIA_L4", 1)


def test_compile_job_types_that_vertex_knows_are_named_as_kfp_names_them() -> None:
    components = job_with()["pipelineSpec"]["components"]
    for task, output, artifact in (
        ("RetrievalEvaluator", "metrics", dsl.Metrics),
        ("RunReport", "report", dsl.HTML),
    ):
        declared = components[task]["outputDefinitions"]["artifacts"][output]["artifactType"]
        assert declared == {"schemaTitle": artifact.schema_title, "schemaVersion": artifact.schema_version}
    model = components["Trainer"]["outputDefinitions"]["artifacts"]["model"]["artifactType"]
    assert model == {"instanceSchema": "title: tfx.Model\ntype: object\n"}


def test_compile_job_flags_of_beam_are_on_the_tasks_that_use_it() -> None:
    containers = containers_of(job_with(dataflow={}))
    with_workers = {task for task, container in containers.items() if any("--runner" in a for a in container["args"])}
    assert with_workers == {
        "InteractionGen",
        "CatalogueGen",
        "InteractionsStatisticsGen",
        "CatalogueStatisticsGen",
        "InteractionTransform",
        "CatalogueTransform",
    }


def test_compile_job_without_retries_has_no_policy() -> None:
    assert "retryPolicy" not in json.dumps(job_with())


def test_compile_job_custom_job_is_started_by_the_trainers_task_with_settings_and_no_path() -> None:
    gpus = {"type": "NVIDIA_L4", "count": 4}
    pool = {"machine_type": "g2-standard-48", "accelerator": gpus, "boot_disk_gb": 200, "image": "a/gpu@sha256:1"}
    job = job_with(custom_job=pool, network="projects/1/global/networks/n", labels={"team": "films"})
    args = containers_of(job)["Trainer"]["args"]
    executor = "pipeline.components.trainer.custom_job.Executor"
    assert args[:2] == ["--executor_class_path", executor]
    parameter = tasks_of(job)["Trainer"]["inputs"]["parameters"]["custom_config"]
    custom_config = json.loads(parameter["runtimeValue"]["constant"])
    # The names that TFX's own executor looks for.
    assert custom_config["ai_platform_training_args"] == {
        "project": "example-project",
        "display_name": "movielens-100k-training",
        "labels": {"pipeline": "movielens-100k", "team": "films"},
        "job_spec": {
            "worker_pool_specs": [
                {
                    "machine_spec": {
                        "machine_type": "g2-standard-48",
                        "accelerator_type": "NVIDIA_L4",
                        "accelerator_count": 4,
                    },
                    "replica_count": 1,
                    "disk_spec": {"boot_disk_size_gb": 200},
                    "container_spec": {"image_uri": "a/gpu@sha256:1"},
                }
            ],
            "scheduling": {"timeout": {"seconds": 86_400}},
            "service_account": "perennial-pipeline@example-project.iam.gserviceaccount.com",
            "network": "projects/1/global/networks/n",
        },
    }
    assert (custom_config["ai_platform_enable_vertex"], custom_config["ai_platform_vertex_region"]) == (
        True,
        "europe-west4",
    )
    assert "gs://" not in json.dumps(custom_config)


def test_compile_job_resources_of_an_unknown_task_refused_with_those_there_are(tmp_path: Path) -> None:
    config = config_with(task_resources={"Training": {"cpu": 8}, "Pusher": {"cpu": 1}})
    with pytest.raises(ConfigError, match=r"vertex\.task_resources: .* no task Training\. .*Pusher.*Trainer"):
        compile_job(config, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_compile_comparison_has_a_trainer_for_each_candidate_with_the_trainers_resources(tmp_path: Path) -> None:
    config = config_with(task_resources={"Trainer": {"cpu": 8}, "Trainer-ials": {"cpu": 16}}).compared()
    job = json.loads(compile_job(config, str(tmp_path)).read_text())
    containers = containers_of(job)
    names = [name for name in containers if name.startswith("Trainer")]
    assert names == [f"Trainer-{kind}" for kind in ("blend", "ials", "item_item", "popularity", "two_tower")]
    cpu = {name: containers[name]["resources"]["cpuLimit"] for name in names}
    assert cpu == {**dict.fromkeys(names, 8), "Trainer-ials": 16}
    inputs = tasks_of(job)["ModelComparison"]["inputs"]["artifacts"]
    made = {key: given["taskOutputArtifact"]["producerTask"] for key, given in inputs.items()}
    for number, name in enumerate(config.compare.candidates if config.compare else ()):
        assert made[f"model_{number + 1}"] == made[f"model_run_{number + 1}"] == f"Trainer-{name}"
        assert made[f"infra_blessing_{number + 1}"] == f"ServingCheck-{name}"
    judged = tasks_of(job)["RetrievalEvaluator"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]
    assert judged["producerTask"] == "ModelComparison"


def test_compile_search_ends_with_tuner_which_gets_the_data_and_what_the_last_search_found(tmp_path: Path) -> None:
    config = config_with(task_resources={"Tuner": {"cpu": 16, "memory_gb": 64}, "Trainer": {"cpu": 8}})
    job = json.loads(compile_job(config.searched(), str(tmp_path), search=True).read_text())
    tasks = tasks_of(job)
    assert "Tuner" in tasks
    assert not {"Trainer", "ServingCheck", "RetrievalEvaluator", "Pusher", "RunReport"} & set(tasks)
    assert not any("Tuner" in task.get("dependentTasks", []) for task in tasks.values())
    inputs = tasks["Tuner"]["inputs"]["artifacts"]
    assert {key: given["taskOutputArtifact"]["producerTask"] for key, given in inputs.items()} == {
        "examples": "InteractionTransform",
        "transform_graph": "InteractionTransform",
        "candidates": "CatalogueTransform",
        "candidates_transform_graph": "CatalogueTransform",
        "data_blessing": "DataGate",
        "hyperparameters": "HyperParametersResolver",
    }
    assert tasks["HyperParametersResolver"].get("cachingOptions", {}) == {}
    assert containers_of(job)["Tuner"]["resources"] == {"cpuLimit": 16.0, "memoryLimit": 64.0}


def test_compile_resources_of_tasks_of_other_jobs_are_no_mistake(tmp_path: Path) -> None:
    config = config_with(
        task_resources={key: {"cpu": 8} for key in ["Trainer", "Tuner", "Trainer-ials", "ModelComparison"]}
    )
    searching = config.searched()
    for name, each, search in (
        ("run", config, False),
        ("compare", config.compared(), False),
        ("tune", searching, True),
    ):
        (tmp_path / name).mkdir()
        assert compile_job(each, str(tmp_path / name), search=search).exists()
