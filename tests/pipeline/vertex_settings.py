"""Makes the default config with other Vertex settings, and its compiled job."""

import functools
import json
import tempfile
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


def job_with(**vertex: Any) -> dict[str, Any]:
    """The job that is compiled from it, as JSON values, which may be changed."""
    job: dict[str, Any] = json.loads(_compiled(json.dumps(vertex)))
    return job


@functools.cache  # several tests look at the same job, or change one thing in it
def _compiled(vertex: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return compile_job(config_with(**json.loads(vertex)), folder).read_text()


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
