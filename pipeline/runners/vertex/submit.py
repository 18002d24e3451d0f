"""Creates a run; repeated attempts at the call create only one run."""

import json
import re
from collections.abc import Iterator
from typing import Any

from google.api_core import exceptions
from google.cloud.aiplatform_v1 import types

from common.errors import VertexError
from pipeline.cloud.client import Api
from pipeline.cloud.refusals import CAUGHT
from pipeline.cloud.retrying import may_have_taken_effect
from pipeline.runners.vertex.data_digest import check_bucket
from pipeline.runners.vertex.request import as_message

_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]+")


def check_places(api: Api, job: dict[str, Any]) -> None:
    """Checks that the buckets that a run names exist: on Vertex the run would fail only when it first uses them.

    Args:
        api: Google Cloud.
        job: The run as it is sent, from `request.pipeline_job`.

    Raises:
        VertexError: A bucket is missing.
    """
    named = dict.fromkeys(bucket for text in _texts_with_places(job) for bucket in _BUCKET.findall(text))
    for bucket in named:
        check_bucket(api, bucket)


def _texts_with_places(job: dict[str, Any]) -> Iterator[str]:
    """Yields the parts of a run that may name buckets: its root, its parameters, and the constants of its tasks.

    The constants include the serving folder and the schemas. The containers' programs are left out, since a bucket in
    them may be in a comment.
    """
    yield json.dumps(job["runtimeConfig"])
    spec = job["pipelineSpec"]
    for component in [spec["root"], *spec.get("components", {}).values()]:
        for task in component.get("dag", {}).get("tasks", {}).values():
            for parameter in task.get("inputs", {}).get("parameters", {}).values():
                yield json.dumps(parameter.get("runtimeValue", {}))


def create_run(api: Api, request: dict[str, Any]) -> Any:
    """Creates the run.

    Args:
        api: Google Cloud.
        request: The request, as `request.create_request` makes it.

    Returns:
        The run, a PipelineJob of the client library.

    Raises:
        VertexError: The call was refused, or Vertex could not be reached; then the message says whether the run may
            have been started anyway.
    """
    message = as_message(request, types.CreatePipelineJobRequest)
    name = f"{request['parent']}/pipelineJobs/{request['pipelineJobId']}"
    run_id = request["pipelineJobId"]
    attempts, in_doubt = 0, False

    def create(options: dict[str, Any]) -> Any:
        nonlocal attempts, in_doubt
        attempts += 1
        try:
            return api.pipelines.create_pipeline_job(request=message, **options)
        except exceptions.Conflict:
            if attempts == 1:
                raise
            # An earlier attempt created the run, but its reply was lost. No other submission has this id.
            in_doubt = True
            return api.pipelines.get_pipeline_job(name=name, **options)
        except CAUGHT as e:
            in_doubt = in_doubt or may_have_taken_effect(e)
            raise

    try:
        return api.call(f"create the run {run_id}", create)
    except VertexError as e:
        if not in_doubt:
            raise
        raise VertexError(f"{e} {may_have_been_started(run_id)}") from e


def may_have_been_started(run_id: str) -> str:
    """Returns the advice for a submission with an unknown result: submitting again could start a second run."""
    return f"The run may have been started: check with `perennial vertex runs show {run_id}` before you submit again."
