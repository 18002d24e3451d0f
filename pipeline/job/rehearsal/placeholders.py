"""Replaces placeholders in a container's command, a filter or a constant, as Vertex does before a task starts."""

import json
import re
from collections.abc import Mapping
from typing import Any

from common.errors import JobError

_PLACEHOLDER = re.compile(r"\{\{\$(?P<path>[^{}]*)\}\}")
_NAMED = re.compile(
    r"\.(?P<side>inputs|outputs)\.(?P<what>artifacts|parameters)\['(?P<key>[^']+)'\]"
    r"(\.(?P<field>uri|path|name|output_file)|\.metadata\['(?P<metadata>[^']+)'\])?"
)
_STRUCTURE = re.compile(r'\s*\{"(IfPresent|Concat)":')
_OUTPUT_FILE = {".outputs.output_file", ".outputs.output_metadata_uri", ".outputMetadataUri"}
_GCS = "gs://"
_MOUNT = "/gcs/"
"""Where Vertex mounts Cloud Storage in every container."""


def replace(text: str, executor_input: Mapping[str, Any], constants: Mapping[str, str]) -> str:
    """Replaces all placeholders of one string.

    Args:
        text: `{{$}}` is the whole ExecutorInput; `{{$.inputs.artifacts['model'].uri}}` and the like are parts of it.
        executor_input: ExecutorInput as JSON values.
        constants: Values of `pipeline_job_name` and the like.

    Raises:
        JobError: A placeholder names something that does not exist.
    """
    if _STRUCTURE.match(text):
        raise JobError(
            f"the argument {text[:80]!r} is one of KFP's IfPresent or Concat, which the rehearsal does not support."
        )

    def value(match: re.Match[str]) -> str:
        path = match["path"]
        if not path:
            return json.dumps(executor_input)
        if path.removeprefix(".") in constants:
            return constants[path.removeprefix(".")]
        if path in _OUTPUT_FILE:
            return str(executor_input["outputs"]["outputFile"])
        named = _NAMED.fullmatch(path)
        found = _named(named, executor_input) if named else None
        if found is None:
            raise JobError(
                f"the placeholder {match[0]} names nothing that this task has, or the rehearsal does not support it."
            )
        return found if isinstance(found, str) else json.dumps(found)

    return _PLACEHOLDER.sub(value, text)


def _named(named: re.Match[str], executor_input: Mapping[str, Any]) -> Any:
    side, key = executor_input.get(named["side"], {}), named["key"]
    if named["what"] == "parameters":
        if named["side"] == "outputs":
            return side.get("parameters", {}).get(key, {}).get("outputFile")
        if key in side.get("parameterValues", {}):
            return side["parameterValues"][key]
        return next(iter(side.get("parameters", {}).get(key, {}).values()), None)
    artifacts = side.get("artifacts", {}).get(key, {}).get("artifacts", [])
    if not artifacts:
        return None
    if named["metadata"]:
        return artifacts[0].get("metadata", {}).get(named["metadata"])
    if named["field"] == "path":
        return artifacts[0]["uri"].replace(_GCS, _MOUNT)
    return artifacts[0].get(named["field"]) if named["field"] else artifacts[0]
