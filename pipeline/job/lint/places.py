"""Finds paths of this machine in a job whose tasks run on other machines."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import Subject, Task

_PLACES = {"input_base", "schema_file", "artifact_uri", "uri"}
"""Parameters of TFX's and KFP's components that are paths, absolute or relative. Importers have the last two."""

LIKE_A_PLACE = re.compile(r".*(_|^)(base|dir|directory|file|folder|path|root|uri)")
"""Names of parameters that may be paths. Their value is one if it is an absolute path."""

_BEAM_PLACE = re.compile(r"--(temp_location|staging_location)=(.*)")

_REMOTE_RUNNER = re.compile(r"--runner=(?!.*(Direct|Prism|Interactive|FnApi)).+", re.IGNORECASE)
"""Without such a flag, Beam runs in the task itself, where local folders work."""


def flags_of_remote_beam(task: Task) -> list[str]:
    """The arguments of a task whose Beam pipelines run on other machines; empty for another task.

    Args:
        task: The task.
    """
    args = list(task.executor.container.args)
    return args if any(_REMOTE_RUNNER.fullmatch(one) for one in args) else []


def is_of_one_machine(place: str) -> bool:
    """Whether a place is on the machine that reads it: a path, or a `file://` URI.

    Args:
        place: A path or URI.
    """
    return place.startswith("file://") or "://" not in place


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks the pipeline root and the paths of each task.

    Args:
        subject: The job.
    """
    roots = {
        "runtimeConfig.gcsOutputDirectory": subject.job.runtime.gcs_output_directory,
        "defaultPipelineRoot": subject.job.spec.default_pipeline_root,
    }
    for where, root in roots.items():
        if root and is_of_one_machine(root):
            yield _local(None, where, root)
    for task in subject.tasks:
        for where, place in _places(task):
            if place and is_of_one_machine(place):
                yield _local(task.id, where, place)


def _places(task: Task) -> Iterator[tuple[str, str]]:
    for name, value in task.constants.items():
        if not isinstance(value, str):
            continue
        absolute = value.startswith(("/", "~/", "file://"))
        if name in _PLACES or (absolute and LIKE_A_PLACE.fullmatch(name) and not name.startswith("module_")):
            yield f"parameter {name}", value
        elif name == "push_destination":
            yield f"parameter {name}, base_directory", _base_directory(value)
    for argument in flags_of_remote_beam(task):
        beam = _BEAM_PLACE.fullmatch(argument)
        if beam:
            yield f"Beam flag --{beam[1]}", beam[2]


def _base_directory(push_destination: str) -> str:
    """The folder of a PushDestination proto, as JSON in either spelling; empty if it has none."""
    try:
        value: Any = json.loads(push_destination)
        folder = value.get("filesystem", {})
        return str(folder.get("base_directory") or folder.get("baseDirectory") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""


def _local(task: str | None, where: str, place: str) -> Finding:
    return Finding(
        "local-path",
        "error",
        task,
        where,
        f"{place} is a path of one machine, but each task runs in a container on another machine, which does not have "
        "it.",
        "Name a place in a bucket, gs://…; the config's vertex section has the buckets.",
    )
