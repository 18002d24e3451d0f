"""The executor that trains elsewhere: it starts a Vertex CustomJob, whose machine runs TwoTowerTrainer's executor."""

import json
import logging
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import requests
from google.api_core import exceptions, retry
from google.auth import exceptions as auth_exceptions
from google.cloud.aiplatform import gapic
from google.protobuf import json_format
from tfx import types
from tfx.extensions.google_cloud_ai_platform import constants, training_clients
from tfx.extensions.google_cloud_ai_platform.trainer import executor as ai_platform_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import name_utils

from configs.errors import TrainingError, VertexError
from pipeline.components.two_tower_trainer import executor
from pipeline.vertex.api.retrying import Patience, persistently
from pipeline.vertex.training import API_ENDPOINT, CUSTOM_JOB, PROJECT, REGION

API_ENDPOINT_KEY = "vertex_api_endpoint"
"""In `custom_config`, beside TFX's own keys, which have no room for it."""

_POLL_SECONDS = 30.0
"""Between two looks at the job, as in TFX; a machine takes minutes to start."""

_PATIENCE = Patience(attempts=40, longest_pause_seconds=30.0, total_seconds=900.0)
"""With the API while the job trains: a quarter of an hour without it must not cost the hours that were trained."""

_CONSOLE = "https://console.cloud.google.com/vertex-ai/training/custom-jobs"

_BROKEN = (
    requests.RequestException,
    auth_exceptions.TransportError,
    exceptions.RetryError,
    json_format.ParseError,  # half a reply
)
"""What is raised where a connection breaks."""

_LOGGER = logging.getLogger("perennial.trainer")


def custom_config_of(training_job: Mapping[str, Any]) -> dict[str, Any]:
    """What TFX's executor looks for in `custom_config`.

    Args:
        training_job: As `pipeline.vertex.training.training_job` makes it.
    """
    endpoint = training_job[API_ENDPOINT]
    return {
        constants.ENABLE_VERTEX_KEY: True,
        constants.VERTEX_REGION_KEY: training_job[REGION],
        ai_platform_executor.TRAINING_ARGS_KEY: {PROJECT: training_job[PROJECT], **training_job[CUSTOM_JOB]},
        **({API_ENDPOINT_KEY: endpoint} if endpoint is not None else {}),
    }


class JobClient(training_clients.VertexJobClient):
    """TFX's client, which makes the job of an executor, at an endpoint that can be named, and with more patience."""

    # TFX would wait forever for a job that has expired.
    JOB_STATES_FAILED = (*training_clients.VertexJobClient.JOB_STATES_FAILED, gapic.JobState.JOB_STATE_EXPIRED)
    JOB_STATES_COMPLETED = (gapic.JobState.JOB_STATE_SUCCEEDED, *JOB_STATES_FAILED)

    def __init__(self, region: str, api_endpoint: str | None) -> None:
        """Connects to nothing yet.

        Args:
            region: Where the job runs.
            api_endpoint: Where the API is. None: the region's own.
        """
        self._api_endpoint = api_endpoint or f"{region}-aiplatform.googleapis.com"
        super().__init__(region)

    def create_client(self) -> None:
        """Makes the API's client; without credentials it raises."""
        transport = {"transport": "rest"} if re.match("https?://", self._api_endpoint) else {}
        self._client = gapic.JobServiceClient(client_options={"api_endpoint": self._api_endpoint}, **transport)

    def get_job(self) -> gapic.CustomJob:
        """The job as it stands."""
        return persistently(
            lambda: self._client.get_custom_job(name=self.get_job_name(), retry=None, timeout=_PATIENCE.call_seconds),
            _PATIENCE,
        )

    def cancel(self) -> None:
        """Asks for the job to stop."""
        self._client.cancel_custom_job(name=self.get_job_name())


class Executor(ai_platform_executor.GenericExecutor):
    """Starts the job, waits for it, and stops it if the task is stopped.

    TFX's own would leave a job that nobody waits for running, and paid for, and knows the public endpoints alone.
    """

    def _GetExecutorClass(self) -> type[executor.Executor]:
        return executor.Executor

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains in a CustomJob.

        Args:
            input_dict: As `executor.Executor`; goes to the job.
            output_dict: As `executor.Executor`; goes to the job, which also writes its logs under `model_run`.
            exec_properties: As `executor.Executor`, with what `custom_config_of` says in `custom_config`.

        Raises:
            TrainingError: The job failed, or was cancelled by someone else.
            VertexError: The job could not be started or asked for.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        region, wanted = settings[constants.VERTEX_REGION_KEY], settings[ai_platform_executor.TRAINING_ARGS_KEY]
        project = wanted.pop(PROJECT)
        # Here Vertex lets TensorBoard's logs be written; its path also tells which run's task has started the job.
        model_run = artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_RUN_KEY])
        wanted["job_spec"]["base_output_directory"] = {"output_uri_prefix": model_run}
        with _told(project, region), _stopped_by_signals():
            client = JobClient(region, settings.get(API_ENDPOINT_KEY))
            class_path = name_utils.get_full_name(self._GetExecutorClass())
            job = client.create_training_job(input_dict, output_dict, exec_properties, class_path, wanted, None, None)
            _start(client, project, job)
            state, error = _wait(client)
        if state in client.JOB_STATES_FAILED:
            number = client.get_job_name().rsplit("/", 1)[1]
            raise TrainingError(
                f"CustomJob {client.get_job_name()} ended as {state.name}: {error or 'Vertex gives no reason'}. "
                f"Its log: https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}?project={project}"
            )
        _LOGGER.info("CustomJob %s has succeeded", client.get_job_name())


def _start(client: JobClient, project: str, job: dict[str, Any]) -> None:
    """Tries again only where Vertex says that it did nothing: a second job would train, and cost, a second time."""
    retry.Retry(predicate=retry.if_exception_type(exceptions.TooManyRequests))(client.launch_job)(project, job)
    _LOGGER.info("CustomJob %s was started", client.get_job_name())


def _wait(client: JobClient) -> tuple[Any, str]:
    """Waits for the job's end, and stops the job if that is not to be waited for.

    Returns:
        Its state, and Vertex's word on what went wrong; empty if nothing did.
    """
    ended, state = False, None
    try:
        while not ended:
            job = client.get_job()
            if job.state != state:
                _LOGGER.info("CustomJob %s: %s", client.get_job_name(), job.state.name)
            state, ended = job.state, job.state in client.JOB_STATES_COMPLETED
            if not ended:
                time.sleep(_POLL_SECONDS)
        return state, job.error.message
    finally:
        if not ended:
            _LOGGER.warning("stopping CustomJob %s, as its task stops", client.get_job_name())
            client.cancel()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Lets SIGTERM, with which Vertex ends a task that is cancelled, end the block as an exception does."""

    def stop(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may take signals
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _told(project: str, region: str) -> Iterator[None]:
    """Says what to do where Google says no."""
    try:
        yield
    except (exceptions.ServerError, *_BROKEN) as e:
        raise VertexError(
            f"project {project}, {region}: Vertex AI cannot be reached, or does not answer ({e}). A CustomJob may have "
            f"been started all the same: look at {_CONSOLE}?project={project} before the task runs again."
        ) from e
    except auth_exceptions.GoogleAuthError as e:
        raise VertexError(
            f"project {project}: the task has no credentials with which to start a CustomJob ({e}). Set "
            "vertex.service_account."
        ) from e
    except exceptions.GoogleAPICallError as e:
        raise VertexError(
            f"project {project}, {region}: Vertex AI refused the CustomJob for training ({e.code}: {e.message}). The "
            "task's service account needs roles/aiplatform.user, and roles/iam.serviceAccountUser on itself; machine "
            "type and GPUs need quota for custom training in this region."
        ) from e
