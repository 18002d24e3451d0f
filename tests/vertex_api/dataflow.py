"""Simulates Dataflow's jobs, as Beam uses them: https://cloud.google.com/dataflow/docs/reference/rest.

It uses JSON, not protos, because only the newer line of Beam has those.
"""

from collections.abc import Callable
from typing import Any

from tests.vertex_api.rest import Route

_JOBS = "/v1b3/projects/{projectId}/locations/{location}/jobs"
RUNNING, DONE, CANCELLED = "JOB_STATE_RUNNING", "JOB_STATE_DONE", "JOB_STATE_CANCELLED"
_NUMBERS = {5: CANCELLED}


def state_of(job: dict[str, Any]) -> str:
    """The requested state; the newer line of Beam sends a number."""
    state = job["requestedState"]
    return _NUMBERS.get(state, state)


class DataflowJobs:
    """Jobs that run until their state is changed."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        """Jobs by id, in the form in which Dataflow shows them."""

        self.on_create: Callable[[], object] = lambda: None
        """Called while a job is created; the answer does not show its effect yet."""

        self.on_get: Callable[[], object] = lambda: None
        """Called while a job is read; the answer does not show its effect yet."""

    def routes(self) -> list[Route]:
        return [
            Route("CreateJob", "POST", _JOBS, None, self._create, "job"),
            Route("GetJob", "GET", f"{_JOBS}/{{jobId}}", None, self._get),
            Route("UpdateJob", "PUT", f"{_JOBS}/{{jobId}}", None, self._update, "job"),
            Route("ListJobMessages", "GET", f"{_JOBS}/{{jobId}}/messages", None, lambda _: {}),
        ]

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        job = {"id": f"2026-01-01_00_00_00-{len(self.jobs)}", "name": asked["job"]["name"], "currentState": RUNNING}
        self.jobs[job["id"]] = job
        shown = dict(job)
        self.on_create()
        return shown

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        shown = dict(self.jobs[asked["jobId"]])
        self.on_get()
        return shown

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        job = self.jobs[asked["jobId"]]
        job["currentState"] = state_of(asked["job"])
        return job
