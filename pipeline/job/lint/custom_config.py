"""Finds what must not be in `custom_config`: Channels, RuntimeParameters, paths. Components get data as inputs."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.places import LIKE_A_PLACE
from pipeline.job.lint.subject import Subject

CHANNEL_IN_CUSTOM_CONFIG = (
    "A Channel in custom_config is serialised without its artifacts: it works in a notebook, but on Vertex the task "
    "fails with an IndexError. It makes no edge and no lineage, so the task does not wait for the data that it reads."
)
"""Why a Channel in `custom_config` fails; the rehearsal also prints this for such a task."""

_CHANNEL_FIX = (
    "Make it an input of the component: a ChannelParameter in INPUTS of its ComponentSpec, which the executor gets "
    "in input_dict. The stock Trainer takes no further inputs; your own component can, as Trainer does."
)

_PLACE = re.compile(
    r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]+:/\S.*"  # a URI; an http one is more often a service than data
    r"|(~|\.[./]*)?/\w[\w .*/-]*|[A-Za-z]:\\.+"
    r"|\w[\w .*-]*(/[\w .*-]+)+\.[A-Za-z]\w{0,9}"  # a relative path of a file, recognised by its ending
)

_SURELY_LOCAL = re.compile(r"file:.*|~/.*|\.\.?/.*|[A-Za-z]:\\.*")

_MAX_DEPTH = 100
"""The depth limit of protobuf's JSON; values at a greater depth are not checked."""

_OBJECT = "__tfx_object_type__"
"""The key by which `tfx.utils.json_utils` marks an object that it has serialised."""

_JOB_SPECS = re.compile(r"ai_platform_(training|serving|tuning)_args|vertex_.*")
"""Keys of the job descriptions that TFX's Vertex executors read; these may name buckets."""


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks the constants of every task.

    Args:
        subject: The job.
    """
    for task in subject.tasks:
        yield from parameter_findings(task.id, task.constants)


def pipeline_findings(pipeline: Any) -> Iterator[Finding]:
    """Checks the execution properties of every component.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    for component in pipeline.components:
        yield from parameter_findings(component.id, component.exec_properties)


def parameter_findings(task: str, parameters: dict[str, Any]) -> Iterator[Finding]:
    """Checks the parameters of one task.

    Args:
        task: The task's id.
        parameters: Values by name; a text may hold JSON.
    """
    for name, parameter in parameters.items():
        for path, value in _walk(parameter, ()):
            where = f"parameter {name}" + (f", field {'.'.join(path)}" if path else "")
            if _is_jsonable(value, "Channel"):
                producer = value.get("producer_component_id")
                what = f"It is {producer}'s output {value.get('output_key')}. " if producer else ""
                yield Finding(
                    "channel-in-custom-config", "error", task, where, what + CHANNEL_IN_CUSTOM_CONFIG, _CHANNEL_FIX
                )
            elif path and _is_jsonable(value, "RuntimeParameter"):
                yield Finding(
                    "runtime-parameter-in-custom-config",
                    "error",
                    task,
                    where,
                    "A RuntimeParameter inside another value is written as the text of its declaration; the value of "
                    "a run never replaces it.",
                    "Give it an execution property of its own: an ExecutionParameter in PARAMETERS.",
                )
            elif name == "custom_config" and isinstance(value, str) and _is_place(path, value):
                local = _SURELY_LOCAL.fullmatch(value) or (
                    value.startswith("/") and path and LIKE_A_PLACE.fullmatch(path[-1])
                )
                yield Finding(
                    "path-in-custom-config",
                    "error" if local else "warning",
                    task,
                    where,
                    f"{value} is read outside TFX: the task does not wait for it, the lineage does not show it, and "
                    "if its content changes, the cache still returns the old result.",
                    "Import it as an artifact (tfx.dsl.Importer) or let a component make it, and pass the channel.",
                )


def images_of_jobs(parameters: dict[str, Any]) -> list[str]:
    """The images of the jobs that TFX's Vertex executors start.

    Args:
        parameters: The parameters of one task, by name.
    """
    return [
        value
        for path, value in _walk(parameters.get("custom_config"), ())
        if isinstance(value, str) and path and _JOB_SPECS.fullmatch(path[0]) and path[-1] == "image_uri"
    ]


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A value and all values inside it, also those of JSON in text. An object serialised by TFX is one value."""
    if len(path) > _MAX_DEPTH:
        return
    if isinstance(value, str):
        inner = _parsed(value)
        if inner is None:
            yield path, value
            return
        value = inner
    if isinstance(value, dict):
        if _OBJECT in value:
            yield path, value
            return
        for key, inner in value.items():
            yield from _walk(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, str(index)))
    else:
        yield path, _serialised(value)


def _parsed(text: str) -> Any:
    """The object or list that a text holds as JSON; None if it holds no such JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _serialised(value: Any) -> Any:
    """Converts a live Channel or RuntimeParameter to the form that it has in a compiled job."""
    names = [base.__name__ for base in type(value).__mro__]
    if "BaseChannel" in names:
        return {
            _OBJECT: "jsonable",
            "__class__": "Channel",
            "producer_component_id": getattr(value, "producer_component_id", None),
            "output_key": getattr(value, "output_key", None),
        }
    if "RuntimeParameter" in names:
        return {_OBJECT: "jsonable", "__class__": "RuntimeParameter"}
    return value


def _is_jsonable(value: Any, kind: str) -> bool:
    """Whether TFX has serialised an object of this class, or of a variant of it, such as OutputChannel."""
    return isinstance(value, dict) and _OBJECT in value and str(value.get("__class__", "")).endswith(kind)


def _is_place(path: tuple[str, ...], value: str) -> bool:
    return _PLACE.fullmatch(value) is not None and not (path and _JOB_SPECS.fullmatch(path[0]))
