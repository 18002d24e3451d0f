"""The executor that starts a Vertex CustomJob for the training; the job's machine runs Trainer's executor."""

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
from pipeline.components.trainer import executor
from pipeline.components.trainer.job_client import IN_DOUBT, TASK_LABEL, JobClient

API_ENDPOINT_KEY = "vertex_api_endpoint"
"""A key of `custom_config`, beside TFX's own keys, none of which can hold an endpoint."""

_POLL_SECONDS = 30.0
"""Between two requests for the job's state, as in TFX; a machine takes minutes to start."""

_ASKING = Patience()
"""Patience with the API before the job exists, when a failure loses no work."""

_QUOTA_SECONDS = 120.0
"""How long creating the job is retried while there is no quota for it."""

_CONSOLE = "https://console.cloud.google.com/vertex-ai/training/custom-jobs"

_LOGGER = logging.getLogger("perennial.trainer")


def custom_config_of(training_job: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the part of `custom_config` that TFX's executor reads.

    Args:
        training_job: As returned by `pipeline.cloud.training.training_job`.
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

    TFX's own executor would not stop the job with its task, so that it would run, and cost money, although nobody waits
    for it. It also supports only the public endpoints.
    """

    def _GetExecutorClass(self) -> type[executor.Executor]:
        return executor.Executor

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains in a CustomJob, and ends when the job has ended; the job writes the model and its metrics.

        Args:
            input_dict: As for `executor.Executor`; passed to the job.
            output_dict: As for `executor.Executor`; passed to the job, which also writes its logs under `model_run`.
            exec_properties: As for `executor.Executor`, with the keys of `custom_config_of` in `custom_config`.

        Raises:
            TrainingError: The job failed, or was cancelled by someone else.
            VertexError: The job could not be started, or its state could not be read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        custom_config = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        # The job gets the Trainer's settings alone: run_fn refuses what it does not know.
        custom_config.pop(constants.ENABLE_VERTEX_KEY)
        region = custom_config.pop(constants.VERTEX_REGION_KEY)
        endpoint = custom_config.pop(API_ENDPOINT_KEY, None)
        wanted = custom_config.pop(ai_platform_executor.TRAINING_ARGS_KEY)
        project = wanted.pop(PROJECT)
        exec_properties = {
            **exec_properties,
            standard_component_specs.CUSTOM_CONFIG_KEY: json.dumps(custom_config, sort_keys=True),
        }
        # Vertex allows TensorBoard logs here. The path is also unique to this run's task, so it identifies the job.
        model_run = artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_RUN_KEY])
        task = hashlib.sha256(model_run.encode()).hexdigest()[:32]  # a label has 63 characters at most
        wanted["labels"] = {**wanted.get("labels", {}), TASK_LABEL: task}
        wanted["job_spec"]["base_output_directory"] = {"output_uri_prefix": model_run}
        with _explained(project, region), Signals() as signals:
            client = JobClient(region, endpoint)
            class_path = name_utils.get_full_name(self._GetExecutorClass())
            job = client.create_training_job(input_dict, output_dict, exec_properties, class_path, wanted, None, None)
            ended = False
            try:
                _start(client, project, task, job, signals)
                state, error = _wait(client)
                ended = True
            finally:
                if not ended:
                    with signals.held():  # a signal at this point would leave the job running
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
    """Starts the job, or adopts the one that an earlier attempt of the task has started."""
    if client.adopt(project, task, _ASKING):
        _LOGGER.info("CustomJob %s was started by an earlier attempt of this task", client.get_job_name())
        return

    def launch() -> None:
        with signals.held():  # until the job has a name, it could not be stopped
            client.launch_job(project, job)

    try:
        # Retry only on the error by which Vertex reports that it did nothing.
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
        The job's state, and Vertex's message about the error; empty if there was none.
    """
    state = None
    while True:
        job = client.get_job()
        if job.state != state:
            # A state that the client library does not know yet is a plain number.
            _LOGGER.info("CustomJob %s: %s", client.get_job_name(), getattr(job.state, "name", job.state))
        state = job.state
        if state in client.JOB_STATES_COMPLETED:
            return state, job.error.message
        time.sleep(_POLL_SECONDS)


def _stop(client: JobClient, project: str, task: str) -> None:
    """Stops a job that nobody waits for. If that fails, it only logs it: the error that ended the waiting is raised."""
    try:
        client.cancel(project, task)
    except (exceptions.GoogleAPIError, auth_exceptions.GoogleAuthError, *IN_DOUBT) as e:
        name = client.get_job_name() or f"of this task, if there is one (label {TASK_LABEL}={task}),"
        _LOGGER.error("CustomJob %s could not be stopped: %s. Check %s?project=%s", name, e, _CONSOLE, project)


@contextmanager
def _explained(project: str, region: str) -> Iterator[None]:
    """Turns Google's errors into a VertexError that says what to do."""
    try:
        yield
    except IN_DOUBT as e:
        raise VertexError(
            f"project {project}, {region}: Vertex AI cannot be reached, or does not answer ({e}). A CustomJob may "
            f"have been started nevertheless: check {_CONSOLE}?project={project} before the task runs again."
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
