"""The client of a CustomJob for training: it starts one and no second, asks how it stands, and stops it."""

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
"""With the API while the job trains: a quarter of an hour without it must not cost the hours that were trained."""

_STOPPING = Patience(attempts=3, longest_pause_seconds=2.0, total_seconds=20.0, call_seconds=8.0)
"""With the API when the task stops: Kubernetes kills a container 30 seconds after its signal by default."""

TASK_LABEL = "task"
"""The job's label that says which task it trains for: a further attempt of the task finds it by this."""

IN_DOUBT = (
    exceptions.ServerError,
    requests.RequestException,
    auth_exceptions.TransportError,
    exceptions.RetryError,
    json_format.ParseError,  # half a reply
)
"""What is raised where a call may have taken effect all the same."""

_LOGGER = logging.getLogger("perennial.trainer")


class JobClient(training_clients.VertexJobClient):
    """TFX's client, which makes the job of an executor, at an endpoint that can be named, and with more patience."""

    # TFX would wait forever for a job that has ended as one of the last two.
    JOB_STATES_FAILED = (
        *training_clients.VertexJobClient.JOB_STATES_FAILED,
        gapic.JobState.JOB_STATE_EXPIRED,
        gapic.JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
    )
    JOB_STATES_COMPLETED = (gapic.JobState.JOB_STATE_SUCCEEDED, *JOB_STATES_FAILED)

    def __init__(self, region: str, api_endpoint: str | None) -> None:
        """Connects to nothing yet.

        Args:
            region: Where the job runs.
            api_endpoint: Where the API is. None: the region's own.
        """
        self._api_endpoint = api_endpoint or f"{region}-aiplatform.googleapis.com"
        # Whether there may be a job of this task whose name is not known: from an earlier attempt, or created just now.
        self._unknown = True
        super().__init__(region)

    def create_client(self) -> None:
        """Makes the API's client; without credentials it raises."""
        transport = {"transport": "rest"} if re.match("https?://", self._api_endpoint) else {}
        self._client = gapic.JobServiceClient(client_options={"api_endpoint": self._api_endpoint}, **transport)

    def launch_job(self, project: str, training_job: dict[str, Any]) -> None:
        """Creates the job, in one call: a second one would train, and cost, a second time."""
        self._unknown = True
        try:
            job = self._client.create_custom_job(
                parent=self._parent(project), custom_job=training_job, retry=None, timeout=_PATIENCE.call_seconds
            )
        except exceptions.ClientError:
            self._unknown = False
            raise
        self._job_name = job.name

    def adopt(self, project: str, task: str, patience: Patience) -> bool:
        """Takes on the job that a task has started already, if it trains or has trained.

        Args:
            project: Where the job runs.
            task: The job's `TASK_LABEL`.
            patience: With the API.

        Returns:
            Whether there is one.
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
        """The job as it stands."""
        return persistently(
            lambda: self._client.get_custom_job(name=self.get_job_name(), retry=None, timeout=_PATIENCE.call_seconds),
            _PATIENCE,
        )

    def cancel(self, project: str, task: str) -> None:
        """Asks for the job to stop, also if it is not known whether there is one.

        Args:
            project: As in `adopt`.
            task: As in `adopt`.
        """
        if self._unknown:
            self.adopt(project, task, _STOPPING)
        if not self.get_job_name():
            return
        _LOGGER.warning("stopping CustomJob %s, as its task stops", self.get_job_name())
        persistently(
            lambda: self._client.cancel_custom_job(
                name=self.get_job_name(), retry=None, timeout=_STOPPING.call_seconds
            ),
            _STOPPING,
        )

    def _parent(self, project: str) -> str:
        return f"projects/{project}/locations/{self._region}"
