"""The request that creates a run, as JSON: what `--dry-run` prints is what is sent."""

import copy
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from google.protobuf import json_format

from common.errors import JobError
from configs.vertex.section import Vertex
from pipeline.job.compiled import CompiledJob

FAILURE_POLICIES = {"slow": "PIPELINE_FAILURE_POLICY_FAIL_SLOW", "fast": "PIPELINE_FAILURE_POLICY_FAIL_FAST"}
"""The API's names, by the config's."""

_NAME_CHARACTERS = 100
"""Of a pipeline's name in a run's id, which has at most 128."""

_SCHEMA_WITH_VALUES = (2, 1)
"""From this version of a PipelineSpec on, parameters have `parameterValues`; before, typed `parameters`."""


def run_id(pipeline_name: str, now: datetime | None = None) -> str:
    """An id that tells when, and that no other submission has: `<pipeline>-<time>-<four hexadecimal digits>`."""
    moment = now or datetime.now(timezone.utc)
    # Vertex takes small letters, digits and dashes, after a letter; other compilers' names have more.
    readable = re.sub("[^a-z0-9]+", "-", pipeline_name.lower()).strip("-")[:_NAME_CHARACTERS]
    return f"{readable if readable[:1].isalpha() else f'run-{readable}'}-{moment:%Y%m%d%H%M%S}-{secrets.token_hex(2)}"


def pipeline_job(
    job: CompiledJob, vertex: Vertex, values: Mapping[str, Any], labels: Mapping[str, str], cache: bool
) -> dict[str, Any]:
    """Describes the run.

    Args:
        job: The compiled job.
        vertex: Where and as whom it runs.
        values: Of its runtime parameters.
        labels: Of the run.
        cache: Whether tasks may be answered from the cache; False forbids it to all.

    Returns:
        A PipelineJob (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs) as
        JSON values.

    Raises:
        JobError: The job says nowhere where its artifacts go.
    """
    spec = copy.deepcopy(job.document["pipelineSpec"])
    root = job.runtime.gcs_output_directory or spec.get("defaultPipelineRoot") or vertex.pipeline_root
    if not root.startswith("gs://"):
        raise JobError(
            f"{job.path}: its artifacts go to {root}, which is no folder of a bucket. Compile it for Vertex."
        )
    if not cache:
        forbid_cache(spec)
    described: dict[str, Any] = {
        "displayName": job.document.get("displayName") or job.name,
        "labels": dict(labels),
        "pipelineSpec": spec,
        "runtimeConfig": {
            "gcsOutputDirectory": root,
            "failurePolicy": FAILURE_POLICIES[vertex.failure_policy],
            **_parameters(job, values),
        },
    }
    if vertex.service_account is not None:
        described["serviceAccount"] = vertex.service_account
    if vertex.network is not None:
        described["network"] = vertex.network
    return described


def create_request(parent: str, job: dict[str, Any], job_id: str) -> dict[str, Any]:
    """The whole request, as JSON values.

    Args:
        parent: `projects/<project>/locations/<region>`.
        job: From `pipeline_job`.
        job_id: The run's id.
    """
    return {"parent": parent, "pipelineJobId": job_id, "pipelineJob": job}


def as_message(values: Mapping[str, Any], kind: Any) -> Any:
    """Makes JSON values the client library's message.

    Args:
        values: The message as JSON values.
        kind: Its class, such as `aiplatform_v1.types.CreatePipelineJobRequest`.

    Raises:
        JobError: A field is not one of the API's.
    """
    message = kind.pb(kind())
    try:
        json_format.ParseDict(values, message)
    except json_format.ParseError as e:
        raise JobError(f"the job does not fit Vertex's {kind.__name__}: {e}") from e
    return kind.wrap(message)


def forbid_cache(spec: dict[str, Any]) -> None:
    """Forbids the cache to every task of a PipelineSpec, also to those inside others."""
    components = [spec["root"], *spec.get("components", {}).values()]
    for component in components:
        for task in component.get("dag", {}).get("tasks", {}).values():
            task["cachingOptions"] = {"enableCache": False}


def _parameters(job: CompiledJob, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values where this version of a PipelineSpec has them."""
    if not values:
        return {}
    version = tuple(int(part) for part in job.spec.schema_version.split(".")[:2] if part.isdigit())
    if version >= _SCHEMA_WITH_VALUES:
        return {"parameterValues": dict(values)}
    return {"parameters": {name: _typed(value) for name, value in values.items()}}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {"stringValue": value if isinstance(value, str) else json.dumps(value)}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}
