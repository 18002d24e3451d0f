"""Stages of a run, as Vertex reports them."""

from datetime import datetime, timedelta, timezone
from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.pipelines import State, TaskState

BEGAN = datetime(2026, 11, 1, 3, tzinfo=timezone.utc)


def stage(state: str, *tasks: types.PipelineTaskDetail, error: str = "") -> types.PipelineJob:
    """A stage of a run.

    Args:
        state: Such as `RUNNING`.
        *tasks: From `task`.
        error: The run's.
    """
    job = types.PipelineJob(state=State[f"PIPELINE_STATE_{state}"], job_detail={"task_details": tasks})
    if error:
        job.error = {"code": 9, "message": error}
    return job


def task(
    name: str, state: str, seconds: float | None = None, error: str = "", ids: tuple[int, int] = (0, 0), **outputs: str
) -> Any:
    """A task of a run.

    Args:
        name: The task's.
        state: Such as `SUCCEEDED`.
        seconds: How long it took. None: it has not ended.
        error: Its error.
        ids: Its own and its parent's.
        **outputs: The URI of each output's one artifact.
    """
    detail = types.PipelineTaskDetail(task_name=name, state=TaskState[state], task_id=ids[0], parent_task_id=ids[1])
    if state != "PENDING":
        detail.start_time = BEGAN
    if seconds is not None:
        detail.end_time = BEGAN + timedelta(seconds=seconds)
    if error:
        detail.error = {"code": 9, "message": error}
    for key, uri in outputs.items():
        detail.outputs[key] = {"artifacts": [{"uri": uri}]}
    return detail
