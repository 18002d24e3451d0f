"""Runs the containers of CustomJobs as processes of this machine, with the variables that Vertex would set."""

import os
import subprocess
from pathlib import Path
from typing import Any

from google.cloud import aiplatform_v1 as v1

from tests import forked
from tests.vertex_api.resources import filtered
from tests.vertex_api.rest import ApiError, Route

_JOB = "projects/*/locations/*/customJobs/*"


class CustomJobs:
    """Starts the one container of each job. `jobs` holds the current jobs, by name."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Sets up the machine.

        Args:
            folder: The folder in which each process gets an empty working directory, and its log.
            environment: The image's environment variables.
        """
        self.jobs: dict[str, Any] = {}
        self.is_listing = True
        """Whether lists of jobs name them: a new job may not be listed at once."""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder, self._environment = folder, environment

    def routes(self) -> list[Route]:
        parent = "/v1/{parent=projects/*/locations/*}/customJobs"
        named = f"/v1/{{name={_JOB}}}"
        return [
            Route("CreateCustomJob", "POST", parent, v1.CreateCustomJobRequest, self._create, body="custom_job"),
            Route("ListCustomJobs", "GET", parent, v1.ListCustomJobsRequest, self._list),
            Route("GetCustomJob", "GET", named, v1.GetCustomJobRequest, self._get),
            Route("CancelCustomJob", "POST", f"{named}:cancel", v1.CancelCustomJobRequest, self._cancel, body="*"),
        ]

    def log(self, name: str) -> str:
        """The output of a job's container."""
        return (self._place(name) / "log").read_text()

    def _create(self, request: Any) -> Any:
        job = v1.CustomJob(request.custom_job)
        (pool,) = job.job_spec.worker_pool_specs
        if not (job.display_name and pool.machine_spec.machine_type and pool.container_spec.image_uri):
            raise ApiError(400, "a job needs display_name, machine_type and image_uri")
        job.name = f"{request.parent}/customJobs/{len(self.jobs) + 1}"
        job.state = v1.JobState.JOB_STATE_RUNNING
        self.jobs[job.name] = job
        place = self._place(job.name)
        (place / "empty").mkdir(parents=True)
        command: list[str] = [*pool.container_spec.command, *pool.container_spec.args]
        executable, *rest = command
        assert executable == "python"  # replaces the image's interpreter
        with (place / "log").open("wb") as log:
            self._processes[job.name] = subprocess.Popen(
                [forked.python(), *rest],
                cwd=place / "empty",
                env={**self._environment, **self._variables(job)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return job

    def _variables(self, job: Any) -> dict[str, str]:
        """https://cloud.google.com/vertex-ai/docs/training/code-requirements#environment-variables."""
        root = job.job_spec.base_output_directory.output_uri_prefix
        if not root:
            return {}
        return {
            "AIP_MODEL_DIR": f"{root}/model/",
            "AIP_CHECKPOINT_DIR": f"{root}/checkpoints/",
            "AIP_TENSORBOARD_LOG_DIR": f"{root}/logs/",
        }

    def _list(self, request: Any) -> Any:
        found = filtered(
            self.jobs.values() if self.is_listing else (),
            request.filter,
            {"labels.task": lambda job: job.labels.get("task")},
        )
        return v1.ListCustomJobsResponse(custom_jobs=found)

    def _get(self, request: Any) -> Any:
        job = self.jobs.get(request.name)
        if job is None:
            raise ApiError(404, f"no {request.name}")
        code = self._processes[job.name].poll()
        if job.state == v1.JobState.JOB_STATE_RUNNING and code is not None:
            job.state = v1.JobState.JOB_STATE_FAILED if code else v1.JobState.JOB_STATE_SUCCEEDED
            if code:
                job.error = {
                    "code": 3,
                    "message": f"The replica workerpool0-0 exited with a non-zero status of {code}.",
                }
        return job

    def _cancel(self, request: Any) -> dict[str, Any]:
        self._processes[request.name].terminate()
        self._processes[request.name].wait()
        self.jobs[request.name].state = v1.JobState.JOB_STATE_CANCELLED
        return {}

    def stop(self) -> None:
        """Ends all processes that still run."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _place(self, name: str) -> Path:
        return self._folder / os.path.basename(name)
