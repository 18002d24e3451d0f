"""Replaces the placeholders of a container's command, of a filter or of a constant, as Vertex does before it starts."""

import json
import re
from typing import Any

from configs.errors import JobError

_PLACEHOLDER = re.compile(r"\{\{\$(?P<path>[^{}]*)\}\}")
_NAMED = re.compile(
    r"\.(?P<side>inputs|outputs)\.(?P<what>artifacts|parameters)\['(?P<key>[^']+)'\]"
    r"(\.(?P<field>uri|path|name|value|output_file)|\.metadata\['(?P<metadata>[^']+)'\])?"
)
_GCS = "gs://"
_MOUNT = "/gcs/"
"""Where Vertex mounts Cloud Storage in every container."""


def replace(text: str, executor_input: dict[str, Any], constants: dict[str, str]) -> str:
    """Replaces all placeholders of one string.

    Args:
        text: `{{$}}` is the whole ExecutorInput; `{{$.inputs.artifacts['model'].uri}}` and the like are parts of it.
        executor_input: ExecutorInput as JSON values.
        constants: `pipeline_job_name` and the like, to their values.

    Raises:
        JobError: A placeholder names nothing that is there.
    """

    def value(match: re.Match[str]) -> str:
        path = match["path"]
        if not path:
            return json.dumps(executor_input)
        if path.removeprefix(".") in constants:
            return constants[path.removeprefix(".")]
        named = _NAMED.fullmatch(path)
        found = _named(named, executor_input) if named else None
        if found is None:
            raise JobError(f"the placeholder {match[0]} names nothing that this task has, or is not rehearsed.")
        return found if isinstance(found, str) else json.dumps(found)

    return _PLACEHOLDER.sub(value, text)


def _named(named: re.Match[str], executor_input: dict[str, Any]) -> Any:
    side, key, field = executor_input.get(named["side"], {}), named["key"], named["field"]
    if named["what"] == "parameters":
        if named["side"] == "outputs":
            return side.get("parameters", {}).get(key, {}).get("outputFile")
        if key in side.get("parameterValues", {}):
            return side["parameterValues"][key]
        legacy = side.get("parameters", {}).get(key, {})
        return next(iter(legacy.values()), None)
    artifacts = side.get("artifacts", {}).get(key, {}).get("artifacts", [])
    if not artifacts:
        return None
    if named["metadata"]:
        return artifacts[0].get("metadata", {}).get(named["metadata"])
    if field == "path":
        return artifacts[0]["uri"].replace(_GCS, _MOUNT)
    return artifacts[0].get(field or "", artifacts[0])
