"""Makes the request that creates a run, as JSON; `--dry-run` prints exactly what is sent."""

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
"""The API's name of each failure policy, by its name in the config."""

_NAME_CHARACTERS = 100
"""Most characters of a pipeline's name in a run's id, which has at most 128."""

_SCHEMA_WITH_VALUES = (2, 1)
"""From this version of a PipelineSpec on, parameters have `parameterValues`; before, typed `parameters`."""


def run_id(pipeline_name: str, now: datetime | None = None) -> str:
    """Makes an id with the time in it that no other submission has: `<pipeline>-<time>-<four hexadecimal digits>`."""
    moment = now or datetime.now(timezone.utc)
    # Vertex accepts a small letter followed by small letters, digits and dashes; other compilers allow more.
    readable = re.sub("[^a-z0-9]+", "-", pipeline_name.lower()).strip("-")[:_NAME_CHARACTERS]
    return f"{readable if readable[:1].isalpha() else f'run-{readable}'}-{moment:%Y%m%d%H%M%S}-{secrets.token_hex(2)}"


def pipeline_job(
    job: CompiledJob, vertex: Vertex, values: Mapping[str, Any], labels: Mapping[str, str], cache: bool
) -> dict[str, Any]:
    """Describes the run.

    Args:
        job: The compiled job.
        vertex: The config's section: where the run happens, and with which account.
        values: Values of its runtime parameters.
        labels: Labels of the run.
        cache: Whether tasks may use cached results; False forbids it for all tasks.

    Returns:
        A PipelineJob (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs) as
        JSON values.

    Raises:
        JobError: The job does not say in which bucket it writes its artifacts.
    """
    spec = copy.deepcopy(job.document["pipelineSpec"])
    root = job.runtime.gcs_output_directory or spec.get("defaultPipelineRoot") or vertex.pipeline_root
    if not root.startswith("gs://"):
        raise JobError(
            f"{job.path}: its artifacts go to {root}, which is not a folder of a bucket. Compile it for Vertex."
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
    """Makes the whole request, as JSON values.

    Args:
        parent: `projects/<project>/locations/<region>`.
        job: The run, as `pipeline_job` describes it.
        job_id: The run's id.
    """
    return {"parent": parent, "pipelineJobId": job_id, "pipelineJob": job}


def as_message(values: Mapping[str, Any], kind: Any) -> Any:
    """Converts JSON values to a message of the client library.

    Args:
        values: The message as JSON values.
        kind: The message's class, such as `aiplatform_v1.types.CreatePipelineJobRequest`.

    Raises:
        JobError: The API does not have one of the fields.
    """
    message = kind.pb(kind())
    try:
        json_format.ParseDict(values, message)
    except json_format.ParseError as e:
        raise JobError(f"the job does not fit Vertex's {kind.__name__}: {e}") from e
    return kind.wrap(message)


def forbid_cache(spec: dict[str, Any]) -> None:
    """Forbids the cache for every task of a PipelineSpec, also for tasks inside other DAGs."""
    components = [spec["root"], *spec.get("components", {}).values()]
    for component in components:
        for task in component.get("dag", {}).get("tasks", {}).values():
            task["cachingOptions"] = {"enableCache": False}


def _parameters(job: CompiledJob, values: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the values in the field that this version of a PipelineSpec has for them."""
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
