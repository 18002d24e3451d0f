"""Creates a run. However often the call is tried, one run comes of it."""

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
    """Looks whether the buckets that a run names are there: on Vertex it would fail only when it gets to them.

    Args:
        api: Google Cloud.
        job: The run as it is sent, from `request.pipeline_job`.

    Raises:
        VertexError: One is missing.
    """
    named = dict.fromkeys(bucket for text in _texts_with_places(job) for bucket in _BUCKET.findall(text))
    for bucket in named:
        check_bucket(api, bucket)


def _texts_with_places(job: dict[str, Any]) -> Iterator[str]:
    """Where it writes, what it is given, and what its tasks have as constants: the folder that is pushed to, schemas.

    Not the programs of its containers: what they say of buckets may be a comment.
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
        request: From `request.create_request`.

    Returns:
        The run, a PipelineJob of the client library.

    Raises:
        VertexError: It was refused, or Vertex could not be reached; then the message says whether the run may have
            been started all the same.
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
            # An earlier attempt of ours took effect, and its reply was lost. The id is of this submission alone.
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
    """What to say where nobody knows: a second submission would be a second run."""
    return f"The run may have been started: `perennial vertex runs show {run_id}` before you submit again."
