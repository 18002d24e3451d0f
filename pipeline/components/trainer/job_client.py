"""The client of a CustomJob for training: it starts exactly one job, reads its state, and stops it."""

import logging
import re
from typing import Any

import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud.aiplatform import gapic
from google.protobuf import json_format
from tfx.extensions.google_cloud_ai_platform import training_clients

from pipeline.cloud.retrying import Patience, persistently

_PATIENCE = Patience(attempts=40, longest_pause_seconds=30.0, total_seconds=900.0)
"""Patience with the API while the job trains: an outage of a quarter of an hour must not waste hours of training."""

_STOPPING = Patience(attempts=3, longest_pause_seconds=2.0, total_seconds=20.0, call_seconds=8.0)
"""Patience with the API when the task stops: by default, Kubernetes kills a container 30 seconds after its signal."""

TASK_LABEL = "task"
"""The job's label that names the task it trains for: another attempt of the task finds the job by this."""

IN_DOUBT = (
    exceptions.ServerError,
    requests.RequestException,
    auth_exceptions.TransportError,
    exceptions.RetryError,
    json_format.ParseError,  # half a reply
)
"""Errors after which a call may have taken effect nevertheless."""

_LOGGER = logging.getLogger("perennial.trainer")


class JobClient(training_clients.VertexJobClient):
    """TFX's client, which makes the job for an executor, with a configurable endpoint and more retries."""

    # TFX would wait forever for a job that has ended in one of the last two states.
    JOB_STATES_FAILED = (
        *training_clients.VertexJobClient.JOB_STATES_FAILED,
        gapic.JobState.JOB_STATE_EXPIRED,
        gapic.JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
    )
    JOB_STATES_COMPLETED = (gapic.JobState.JOB_STATE_SUCCEEDED, *JOB_STATES_FAILED)

    def __init__(self, region: str, api_endpoint: str | None) -> None:
        """Prepares the client; it does not connect yet.

        Args:
            region: Where the job runs.
            api_endpoint: Where the API is. None: the region's own endpoint.
        """
        self._api_endpoint = api_endpoint or f"{region}-aiplatform.googleapis.com"
        # Whether this task may have a job whose name is not known: from an earlier attempt, or created just now.
        self._unknown = True
        super().__init__(region)

    def create_client(self) -> None:
        """Makes the API's client; raises an error if there are no credentials."""
        transport = {"transport": "rest"} if re.match("https?://", self._api_endpoint) else {}
        self._client = gapic.JobServiceClient(client_options={"api_endpoint": self._api_endpoint}, **transport)

    def launch_job(self, project: str, training_job: dict[str, Any]) -> None:
        """Creates the job in one call without retries: a second call could create a second job, which costs again."""
        self._unknown = True
        try:
            job = self._client.create_custom_job(
                parent=self._parent(project), custom_job=training_job, retry=None, timeout=_PATIENCE.call_seconds
            )
        except exceptions.ClientError:
            self._unknown = False
            raise
        self._job_name, self._unknown = job.name, False  # a list of jobs may not have it yet

    def adopt(self, project: str, task: str, patience: Patience) -> bool:
        """Adopts the job that a task has started already, if the job is in progress or has succeeded.

        Args:
            project: Where the job runs.
            task: The value of the job's `TASK_LABEL`.
            patience: How long to retry calls of the API.

        Returns:
            Whether there is such a job.
        """
        jobs = persistently(
            lambda: list(
                self._client.list_custom_jobs(
                    request={"parent": self._parent(project), "filter": f'labels.{TASK_LABEL}="{task}"'},
                    retry=None,
                    timeout=patience.call_seconds,
                )
            ),
            patience,
        )
        over = (*self.JOB_STATES_FAILED, gapic.JobState.JOB_STATE_CANCELLING)
        self._job_name = next((job.name for job in jobs if job.state not in over), "")
        self._unknown = False
        return bool(self._job_name)

    def get_job(self) -> gapic.CustomJob:
        """Reads the job with its present state."""
        return persistently(
            lambda: self._client.get_custom_job(name=self.get_job_name(), retry=None, timeout=_PATIENCE.call_seconds),
            _PATIENCE,
        )

    def cancel(self, project: str, task: str) -> None:
        """Asks Vertex to stop the job; if it is not known whether there is one, looks for it first.

        Args:
            project: As in `adopt`.
            task: As in `adopt`.
        """
        if self._unknown:
            self.adopt(project, task, _STOPPING)
        if not self.get_job_name():
            return
        _LOGGER.warning("stopping CustomJob %s because its task stops", self.get_job_name())
        persistently(
            lambda: self._client.cancel_custom_job(
                name=self.get_job_name(), retry=None, timeout=_STOPPING.call_seconds
            ),
            _STOPPING,
        )

    def _parent(self, project: str) -> str:
        return f"projects/{project}/locations/{self._region}"
