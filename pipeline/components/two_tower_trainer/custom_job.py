"""The executor that trains elsewhere: it starts a Vertex CustomJob, whose machine runs TwoTowerTrainer's executor."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions, retry
from google.auth import exceptions as auth_exceptions
from tfx import types
from tfx.extensions.google_cloud_ai_platform import constants
from tfx.extensions.google_cloud_ai_platform.trainer import executor as ai_platform_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import name_utils

from common.errors import TrainingError, VertexError
from pipeline.cloud.retrying import Patience
from pipeline.cloud.signals import Signals
from pipeline.cloud.training import API_ENDPOINT, CUSTOM_JOB, PROJECT, REGION
from pipeline.components.two_tower_trainer import executor
from pipeline.components.two_tower_trainer.job_client import IN_DOUBT, TASK_LABEL, JobClient

API_ENDPOINT_KEY = "vertex_api_endpoint"
"""In `custom_config`, beside TFX's own keys, which have no room for it."""

_POLL_SECONDS = 30.0
"""Between two looks at the job, as in TFX; a machine takes minutes to start."""

_ASKING = Patience()
"""With the API before the job is there, when nothing is lost yet."""

_QUOTA_SECONDS = 120.0
"""How long the job is asked for again while there is no quota for it."""

_CONSOLE = "https://console.cloud.google.com/vertex-ai/training/custom-jobs"

_LOGGER = logging.getLogger("perennial.trainer")


def custom_config_of(training_job: Mapping[str, Any]) -> dict[str, Any]:
    """What TFX's executor looks for in `custom_config`.

    Args:
        training_job: As `pipeline.cloud.training.training_job` makes it.
    """
    endpoint = training_job[API_ENDPOINT]
    return {
        constants.ENABLE_VERTEX_KEY: True,
        constants.VERTEX_REGION_KEY: training_job[REGION],
        ai_platform_executor.TRAINING_ARGS_KEY: {PROJECT: training_job[PROJECT], **training_job[CUSTOM_JOB]},
        **({API_ENDPOINT_KEY: endpoint} if endpoint is not None else {}),
    }


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
        task = hashlib.sha256(model_run.encode()).hexdigest()[:32]  # a label has 63 characters at most
        wanted["labels"] = {**wanted.get("labels", {}), TASK_LABEL: task}
        wanted["job_spec"]["base_output_directory"] = {"output_uri_prefix": model_run}
        with _told(project, region), Signals() as signals:
            client = JobClient(region, settings.get(API_ENDPOINT_KEY))
            class_path = name_utils.get_full_name(self._GetExecutorClass())
            job = client.create_training_job(input_dict, output_dict, exec_properties, class_path, wanted, None, None)
            ended = False
            try:
                _start(client, project, task, job, signals)
                state, error = _wait(client)
                ended = True
            finally:
                if not ended:
                    with signals.held():  # one that comes now would leave the job running
                        _stop(client, project, task)
        if state in client.JOB_STATES_FAILED:
            number = client.get_job_name().rsplit("/", 1)[1]
            raise TrainingError(
                f"CustomJob {client.get_job_name()} ended as {getattr(state, 'name', state)}: "
                f"{error or 'Vertex gives no reason'}. "
                f"Its log: https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}?project={project}"
            )
        _LOGGER.info("CustomJob %s has succeeded", client.get_job_name())


def _start(client: JobClient, project: str, task: str, job: dict[str, Any], signals: Signals) -> None:
    """Starts the job, or takes on the one that an earlier attempt of the task has started."""
    if client.adopt(project, task, _ASKING):
        _LOGGER.info("CustomJob %s was started by an earlier attempt of this task", client.get_job_name())
        return

    def launch() -> None:
        with signals.held():  # till the job has a name, it could not be stopped
            client.launch_job(project, job)

    try:
        # Again only where Vertex says that it did nothing.
        retry.Retry(predicate=retry.if_exception_type(exceptions.TooManyRequests), timeout=_QUOTA_SECONDS)(launch)()
    except exceptions.RetryError as e:
        raise e.cause from e
    except IN_DOUBT:
        if not client.adopt(project, task, _ASKING):
            raise
    _LOGGER.info("CustomJob %s was started", client.get_job_name())


def _wait(client: JobClient) -> tuple[Any, str]:
    """Waits for the job's end.

    Returns:
        Its state, and Vertex's word on what went wrong; empty if nothing did.
    """
    state = None
    while True:
        job = client.get_job()
        if job.state != state:
            # A state that is newer than the client library is a bare number.
            _LOGGER.info("CustomJob %s: %s", client.get_job_name(), getattr(job.state, "name", job.state))
        state = job.state
        if state in client.JOB_STATES_COMPLETED:
            return state, job.error.message
        time.sleep(_POLL_SECONDS)


def _stop(client: JobClient, project: str, task: str) -> None:
    """Stops the job that is not waited for. If that fails, what ended the waiting is still what is raised."""
    try:
        client.cancel(project, task)
    except (exceptions.GoogleAPIError, auth_exceptions.GoogleAuthError, *IN_DOUBT) as e:
        name = client.get_job_name() or f"of this task, if there is one (label {TASK_LABEL}={task}),"
        _LOGGER.error("CustomJob %s could not be stopped: %s. Look at %s?project=%s", name, e, _CONSOLE, project)


@contextmanager
def _told(project: str, region: str) -> Iterator[None]:
    """Says what to do where Google says no."""
    try:
        yield
    except IN_DOUBT as e:
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
