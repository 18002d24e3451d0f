"""Makes the stages of a run, as Vertex reports them."""

from datetime import datetime, timedelta, timezone
from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.pipelines import State, TaskState

BEGAN = datetime(2026, 11, 1, 3, tzinfo=timezone.utc)


def stage(state: str, *tasks: types.PipelineTaskDetail, error: str = "") -> types.PipelineJob:
    """Makes a stage of a run.

    Args:
        state: The run's state, such as `RUNNING`.
        *tasks: Tasks made by `task`.
        error: The run's error.
    """
    job = types.PipelineJob(state=State[f"PIPELINE_STATE_{state}"], job_detail={"task_details": tasks})
    if error:
        job.error = {"code": 9, "message": error}
    return job


def task(
    name: str, state: str, seconds: float | None = None, error: str = "", ids: tuple[int, int] = (0, 0), **outputs: str
) -> Any:
    """Makes a task of a run.

    Args:
        name: The task's name.
        state: The task's state, such as `SUCCEEDED`.
        seconds: How long it took. None: it has not ended.
        error: Its error.
        ids: Its id and its parent's id.
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
