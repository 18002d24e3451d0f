"""Lists, reads and cancels runs on Vertex."""

import itertools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core import exceptions
from google.protobuf import json_format

from common.errors import VertexError
from configs.vertex.section import Vertex
from pipeline.cloud.client import CONSOLE, Api, state_name

LATEST = "latest"
"""Used instead of an id: the newest run."""

SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
ENDED = frozenset({SUCCEEDED, FAILED, CANCELLED})
"""States that do not change any more."""

_CACHED = "skipped"
"""Vertex's state of a task that used a cached result."""

_LISTED = ("name", "state", "create_time", "start_time", "end_time", "labels", "schedule_name", "error")
"""Fields of each run in a list; the spec is left out, as it may have megabytes."""

_RESOURCE = re.compile(r"projects/[^/]+/locations/[^/]+/pipelineJobs/[^/]+")
_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")


@dataclass(frozen=True)
class VertexTask:
    """One task of a run."""

    id: str
    """Its name, after the names of the DAGs around it: `InteractionGen`, or `condition-1/InteractionGen`."""

    state: str
    """In small letters, such as `running`; `cached` if it used a cached result."""

    started: datetime | None
    seconds: float | None
    """From start to end; None before it ended, and if it used a cached result."""

    cached: bool
    error: str
    outputs: dict[str, list[str]]
    """URIs by output."""


@dataclass(frozen=True)
class VertexRun:
    """One run."""

    id: str
    name: str
    """The resource name."""

    state: str
    """In small letters, such as `running`."""

    created: datetime | None
    started: datetime | None
    ended: datetime | None
    labels: dict[str, str]
    schedule: str
    """The resource name of the schedule that started it; empty if a person did."""

    error: str
    tasks: tuple[VertexTask, ...]
    """In the order of their starts; empty in a list of runs, since a list does not contain tasks."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended."""
        return self.state in ENDED


def read_runs(api: Api, pipeline_name: str, limit: int, state: str | None = None) -> list[VertexRun]:
    """Lists the newest runs of a pipeline.

    Args:
        api: Google Cloud.
        pipeline_name: The pipeline's name.
        limit: Most runs to list.
        state: Lists only runs in this state. None: in any state.

    Returns:
        The runs, newest first, without their tasks.

    Raises:
        VertexError: The call was refused.
    """
    wanted = f'pipeline_name="{pipeline_name}"'
    if state is not None:
        wanted += f' AND state="PIPELINE_STATE_{state.upper()}"'
    request = {
        "parent": api.parent,
        "filter": wanted,
        "order_by": "create_time desc",
        "page_size": min(limit, 100),
        "read_mask": {"paths": _LISTED},
    }
    found = api.call(
        f"list the runs of {pipeline_name}",
        lambda options: list(itertools.islice(api.pipelines.list_pipeline_jobs(request=request, **options), limit)),
    )
    return [as_run(job) for job in found]


def read_run(api: Api, pipeline_name: str, reference: str) -> VertexRun:
    """Reads one run, with its tasks.

    Args:
        api: Google Cloud.
        pipeline_name: The pipeline's name, for `latest`.
        reference: The run's id, its resource name, or `latest`.

    Returns:
        The run.

    Raises:
        VertexError: There is no such run, or the call was refused.
    """
    if reference == LATEST:
        newest = read_runs(api, pipeline_name, 1)
        if not newest:
            raise VertexError(
                f"the pipeline {pipeline_name} has no run in project {api.vertex.project}, region "
                f"{api.vertex.region}. Start one with `perennial vertex submit`."
            )
        reference = newest[0].name
    name = reference if _RESOURCE.fullmatch(reference) else f"{api.parent}/pipelineJobs/{reference}"
    if not (_RESOURCE.fullmatch(reference) or _ID.fullmatch(reference)):
        raise VertexError(
            f"{reference!r} is not the id or resource name of a run. `perennial vertex runs list` lists them."
        )
    try:
        return get_run(api, name)
    except VertexError as e:
        if isinstance(e.__cause__, exceptions.NotFound):
            raise VertexError(f"there is no run {reference!r}. `perennial vertex runs list` lists them.") from e
        raise


def get_run(api: Api, name: str) -> VertexRun:
    """Reads one run, with its tasks, by its resource name.

    Args:
        api: Google Cloud.
        name: The run's resource name.

    Raises:
        VertexError: There is no such run, or the call was refused.
    """
    job = api.call("read the run", lambda options: api.pipelines.get_pipeline_job(name=name, **options))
    return as_run(job)


def cancel_run(api: Api, run: VertexRun) -> VertexRun:
    """Asks Vertex to cancel a run; Vertex stops the running tasks a little later.

    Args:
        api: Google Cloud.
        run: The run.

    Returns:
        The run; its `has_ended` is true if it had ended already, so that there was nothing to cancel.

    Raises:
        VertexError: The call was refused.
    """
    if run.has_ended:
        return run

    def cancel(options: dict[str, Any]) -> VertexRun:
        # Cancelling the same run twice has no further effect, so the call can be repeated after a lost reply.
        try:
            api.pipelines.cancel_pipeline_job(name=run.name, **options)
        except exceptions.BadRequest:
            # It has ended since it was read, maybe because an earlier attempt cancelled it.
            now = as_run(api.pipelines.get_pipeline_job(name=run.name, **options))
            if not now.has_ended:
                raise
            return now
        return run

    return api.call(f"cancel {run.id}", cancel)


def as_run(job: Any) -> VertexRun:
    """Converts a PipelineJob of the client library."""
    spec = json_format.MessageToDict(type(job).pb(job).pipeline_spec)
    components = [spec.get("root", {}), *spec.get("components", {}).values()]
    declared = {name for component in components for name in component.get("dag", {}).get("tasks", {})}
    details = job.job_detail.task_details
    by_id = {detail.task_id: detail for detail in details}
    # Vertex adds a task for the DAG itself; keep only the tasks that the job declares.
    found = [_task(detail, _path(detail, by_id, declared)) for detail in details if detail.task_name in declared]
    tasks = sorted(found, key=lambda task: (task.started is None, task.started, task.id))
    return VertexRun(
        id=job.name.rpartition("/")[2],
        name=job.name,
        state=_state(job.state),
        created=job.create_time,
        started=job.start_time,
        ended=job.end_time,
        labels=dict(sorted(job.labels.items())),
        schedule=job.schedule_name,
        error=job.error.message if job.error else "",
        tasks=tuple(tasks),
    )


def run_link(vertex: Vertex, run_id: str) -> str:
    """Returns the address of a run in the console."""
    return f"{CONSOLE}/locations/{vertex.region}/pipelines/runs/{run_id}?project={vertex.project}"


def _path(detail: Any, by_id: Mapping[int, Any], declared: Collection[str]) -> str:
    """Makes the id of a `VertexTask`: its name after the names of those parents that the job declares."""
    names, above = [detail.task_name], dict(by_id)
    while detail.parent_task_id and (detail := above.pop(detail.parent_task_id, None)) is not None:
        names.append(detail.task_name)
    return "/".join(name for name in reversed(names) if name in declared)


def _task(detail: Any, path: str) -> VertexTask:
    state = _state(detail.state)
    cached = state == _CACHED
    ran = detail.start_time is not None and detail.end_time is not None and not cached
    return VertexTask(
        id=path,
        state="cached" if cached else state,
        started=detail.start_time,
        seconds=(detail.end_time - detail.start_time).total_seconds() if ran else None,
        cached=cached,
        error=detail.error.message if detail.error else "",
        outputs={key: [artifact.uri for artifact in found.artifacts] for key, found in sorted(detail.outputs.items())},
    )


def _state(state: Any) -> str:
    return state_name(state).removeprefix("PIPELINE_STATE_").removeprefix("STATE_").replace("_", " ").lower()
