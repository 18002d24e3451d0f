"""Answers a resolver's query: finds the newest artifacts that match a filter.

Filters are those of Vertex ML Metadata's ListArtifacts
(https://cloud.google.com/vertex-ai/docs/ml-metadata/analyzing). Only the part that compilers write is supported:
comparisons by `=`, joined by AND.
"""

import re
from collections.abc import Iterable
from typing import Any

from common.errors import JobError
from pipeline.job.rehearsal.records import Artifact

_TERM = re.compile(
    r"""\s*(?P<field>schema_title|state|name|uri|metadata\.(?P<key>.+?)\.(?P<kind>number|string|bool)_value)
        \s*=\s*(?P<value>"[^"]*"|[^\s"]+)\s*""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")
_LIVE = "LIVE"


def newest(artifacts: Iterable[Artifact], query: str, limit: int = 1) -> list[Artifact]:
    """The newest artifacts that match a filter.

    Args:
        artifacts: All artifacts, the newest first.
        query: The filter.
        limit: The largest number of artifacts to return.

    Raises:
        JobError: The rehearsal does not support the filter.
    """
    terms = [_term(term, query) for term in re.split(r"\s+AND\s+", query.strip()) if term]
    found = []
    for artifact in artifacts:
        if all(_value(artifact, field, key) == value for field, key, value in terms):
            found.append(artifact)
            if len(found) == limit:
                break
    return found


def _term(text: str, query: str) -> tuple[str, str | None, Any]:
    match = _TERM.fullmatch(text)
    is_number = match is not None and match["kind"] == "number"
    if match is None or (is_number and not _NUMBER.fullmatch(match["value"])):
        raise JobError(
            f"a resolver asks for {query!r}, but the rehearsal cannot read {text!r} in it. It reads schema_title, "
            "state, name, uri and metadata.KEY.number_value (string_value, bool_value), each with =, joined by AND."
        )
    value: Any = match["value"].strip('"')
    if match["kind"] == "number":
        value = float(value)
    elif match["kind"] == "bool":
        value = value == "true"
    return ("metadata" if match["key"] else match["field"]), match["key"], value


def _value(artifact: Artifact, field: str, key: str | None) -> Any:
    if field == "metadata":
        value = artifact.metadata.get(str(key))
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if field == "state":
        return _LIVE  # Vertex marks artifacts that it has deleted; a rehearsal deletes none
    return {"schema_title": artifact.title, "name": artifact.name, "uri": artifact.uri}[field]
