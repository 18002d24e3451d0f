"""Makes the default config with other Vertex settings, and its compiled job."""

import json
from pathlib import Path
from typing import Any

from configs.load import DEFAULT_CONFIG, load_config
from configs.pipeline import PipelineConfig
from configs.vertex.section import Vertex
from pipeline.runners.vertex.compile import compile_job


def config_with(**vertex: Any) -> PipelineConfig:
    """MovieLens 100K's config with these settings, given as JSON values, in its `vertex` section."""
    config = load_config(DEFAULT_CONFIG)
    assert config.vertex is not None
    changed = Vertex.model_validate({**config.vertex.model_dump(mode="json"), **vertex})
    return config.model_copy(update={"vertex": changed})


def job_with(folder: Path, **vertex: Any) -> dict[str, Any]:
    """The job that is compiled from it, as JSON values."""
    job: dict[str, Any] = json.loads(compile_job(config_with(**vertex), str(folder)).read_text())
    return job


def tasks_of(job: dict[str, Any]) -> dict[str, Any]:
    """Its tasks, by their ids."""
    tasks: dict[str, Any] = job["pipelineSpec"]["root"]["dag"]["tasks"]
    return tasks


def containers_of(job: dict[str, Any]) -> dict[str, Any]:
    """Its tasks' containers, by the tasks' ids; a resolver has none."""
    spec = job["pipelineSpec"]
    executors = {
        task_id: spec["deploymentSpec"]["executors"][spec["components"][task["componentRef"]["name"]]["executorLabel"]]
        for task_id, task in tasks_of(job).items()
    }
    return {task_id: executor["container"] for task_id, executor in executors.items() if "container" in executor}
