"""Beam's runner for Dataflow, which also cancels the job when its task is cancelled.

With Beam's own runner, the job goes on, and costs money, after the task that waits for it was cancelled.
"""

import logging
import threading
import time
from http.client import HTTPException
from typing import Any

import httplib2
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.internal import apiclient
from apitools.base.py import exceptions as apitools_exceptions
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from pipeline.cloud.signals import Signals

_NOT_READY = "not yet ready for canceling"
_OVER = "has terminated"
"""Dataflow's answers, with status 400, about a job that is too young or has ended already. The text is the only sign:
Terraform's `google_dataflow_job` and Beam's Java runner (https://github.com/apache/beam/pull/2428) read it too."""

_READY_SECONDS = 600.0
"""How long to try to cancel a job that is too young. Vertex may kill the task before."""

_PAUSE_SECONDS = 2.0
"""Pause between two attempts: by default Kubernetes kills a container 30 seconds after its signal."""

_REFUSED = (apitools_exceptions.HttpError, exceptions.GoogleAPICallError)
"""Errors by which the API refuses, in the older and the newer line of Beam."""

_FAILED = (
    apitools_exceptions.Error,
    httplib2.HttpLib2Error,
    HTTPException,
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    OSError,
)
"""Errors that a call may raise: it was refused, there are no credentials, or the service does not answer."""

_LOGGER = logging.getLogger("perennial.vertex.dataflow")


class DataflowRunner(dataflow_runner.DataflowRunner):
    """Waits for the job, and cancels it if the wait is interrupted.

    The class has the name of Beam's class, since Beam compares the name when it checks the options.
    """

    def run_pipeline(self, pipeline: Any, options: PipelineOptions, pipeline_proto: Any = None) -> Any:
        """Runs a pipeline to its end.

        Only the main thread gets signals; in another thread this does the same as Beam's own runner.

        Args:
            pipeline: The pipeline.
            options: Its options.
            pipeline_proto: The pipeline as a proto, if Beam has made one already.

        Returns:
            Beam's result of a job that has ended.

        Raises:
            DataflowRuntimeException: The job failed, or someone else cancelled it.
        """
        if threading.current_thread() is not threading.main_thread():
            return super().run_pipeline(pipeline, options, pipeline_proto)
        result = None
        with Signals() as signals:
            try:
                with signals.held():  # a job that has no id yet could not be cancelled
                    result = super().run_pipeline(pipeline, options, pipeline_proto)
                result.wait_until_finish()
            finally:
                # With `--dry_run` the result is of another type, and there is no job.
                if isinstance(result, dataflow_runner.DataflowPipelineResult) and not result.is_in_terminal_state():
                    with signals.held():  # a signal at this point would leave the job running
                        _cancel(result.job_id(), options)
        return result


def _cancel(job: str, options: PipelineOptions) -> None:
    """Cancels a job. If that fails, it only logs: the exception that ended the wait is still raised."""
    cloud = options.view_as(GoogleCloudOptions)
    by_hand = f"gcloud dataflow jobs cancel {job} --project={cloud.project} --region={cloud.region}"
    # Logged before the attempt, as the task may be killed during it.
    _LOGGER.warning("Cancelling Dataflow job %s because its task ends. To cancel it by hand: %s", job, by_hand)
    try:
        # A client of its own: one of Beam's threads still uses the other, whose connection serves only one thread.
        _persistently_cancel(apiclient.DataflowApplicationClient(options), job)
    except _FAILED as e:
        _LOGGER.error(
            "Dataflow job %s could not be cancelled, so it may still run and cost money: %s. Cancel it by hand: %s",
            job,
            e,
            by_hand,
        )


def _persistently_cancel(client: apiclient.DataflowApplicationClient, job: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while True:
        try:
            client.modify_job_state(job, "JOB_STATE_CANCELLED")
        except _REFUSED as e:
            if _OVER in str(e):
                _LOGGER.info("Dataflow job %s had already ended", job)
                return
            if _NOT_READY not in str(e) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            _LOGGER.info("Dataflow job %s is cancelled", job)
            return
