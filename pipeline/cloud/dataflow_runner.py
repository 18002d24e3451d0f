"""Beam's runner for Dataflow, whose job ends with its task.

By Beam's own, a job runs on, and is paid for, when the task that waits for it is cancelled.
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
"""What Dataflow answers with status 400 about a job that is too young, or at its end already. It gives no better sign:
Terraform's `google_dataflow_job` and Beam's Java runner (https://github.com/apache/beam/pull/2428) read the same."""

_READY_SECONDS = 600.0
"""How long a job is asked to end while it is too young. Vertex may kill the task before."""

_PAUSE_SECONDS = 2.0
"""Between two such attempts: Kubernetes kills a container 30 seconds after its signal by default."""

_REFUSED = (apitools_exceptions.HttpError, exceptions.GoogleAPICallError)
"""By the API, in the older and the newer line of Beam."""

_FAILED = (
    apitools_exceptions.Error,
    httplib2.HttpLib2Error,
    HTTPException,
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    OSError,
)
"""What a call may raise: refused, without credentials, or nobody answers."""

_LOGGER = logging.getLogger("perennial.vertex.dataflow")


class DataflowRunner(dataflow_runner.DataflowRunner):
    """Waits for the job, and cancels it if the waiting is cut short.

    The name is that of Beam's class, which Beam compares when it checks the options.
    """

    def run_pipeline(self, pipeline: Any, options: PipelineOptions, pipeline_proto: Any = None) -> Any:
        """Runs a pipeline to its end; outside the main thread, which alone gets signals, as Beam's own.

        Args:
            pipeline: The pipeline.
            options: Its options.
            pipeline_proto: The pipeline as a proto, if Beam has made one already.

        Returns:
            Beam's result, of a job that has ended.

        Raises:
            DataflowRuntimeException: The job failed, or was cancelled by someone else.
        """
        if threading.current_thread() is not threading.main_thread():
            return super().run_pipeline(pipeline, options, pipeline_proto)
        result = None
        with Signals() as signals:
            try:
                with signals.held():  # till the job has an id, it could not be cancelled
                    result = super().run_pipeline(pipeline, options, pipeline_proto)
                result.wait_until_finish()
            finally:
                # Not one of `--dry_run`, which has no job.
                if isinstance(result, dataflow_runner.DataflowPipelineResult) and not result.is_in_terminal_state():
                    with signals.held():  # one that comes now would leave the job running
                        _cancel(result.job_id(), options)
        return result


def _cancel(job: str, options: PipelineOptions) -> None:
    """Cancels a job. If that fails, what ended the waiting is still what is raised."""
    cloud = options.view_as(GoogleCloudOptions)
    by_hand = f"gcloud dataflow jobs cancel {job} --project={cloud.project} --region={cloud.region}"
    # Told before, as the task may be killed while it tries.
    _LOGGER.warning("Cancelling Dataflow job %s, as its task ends. By hand: %s", job, by_hand)
    try:
        # Of its own: a thread of Beam's still asks with the other, whose connection is for one thread.
        _persistently_cancel(apiclient.DataflowApplicationClient(options), job)
    except _FAILED as e:
        _LOGGER.error(
            "Dataflow job %s could not be cancelled, and may run on and cost: %s. Cancel it by hand: %s",
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
                _LOGGER.info("Dataflow job %s had ended already", job)
                return
            if _NOT_READY not in str(e) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            _LOGGER.info("Dataflow job %s is cancelled", job)
            return
