"""Finds artifact types that TFX's entry point cannot import: on Vertex a type is only a title, `<module>.<Class>`."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.job.compiled import title_of_schema
from pipeline.job.lint.finding import Finding
from pipeline.job.lint.importable import not_importable
from pipeline.job.lint.subject import Subject

if TYPE_CHECKING:
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

TITLE = re.compile(r"[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}")
"""The pattern of `tfx.orchestration.kubeflow.v2.compiler_utils`, where it is private."""

_OWN = "tfx."
"""Prefix of the titles that TFX has a table for."""

_PATTERN_FIX = (
    "Give the class a TYPE_NAME such as `pipeline.DataBlessing`: one module of 3 to 21 small letters, digits, dashes "
    "or underscores, one dot, and the class."
)


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks the artifact types of tasks that TFX runs.

    Args:
        subject: The job.
    """
    titles: dict[str, dict[str, str]] = {}
    for task in subject.tasks:
        if task.executor_class is not None:
            definitions = {"input": task.component.input_definitions, "output": task.component.output_definitions}
            titles[task.id] = {
                f"{side} {key}": _title(artifact.artifact_type, f"{subject.job.path}: task {task.id}, {side} {key}")
                for side, definition in definitions.items()
                for key, artifact in sorted(definition.artifacts.items())
            }
    others = {title for named in titles.values() for title in named.values() if not title.startswith(_OWN)}
    reasons = not_importable(title for title in others if TITLE.fullmatch(title))
    # Only if needed: TFX takes seconds to import.
    registered = _registered() if reasons else {}
    for task_id, named in titles.items():
        for where, title in named.items():
            if title in others and not TITLE.fullmatch(title):
                yield _outside_pattern(task_id, where, title)
            elif title in reasons and not _is_registered_in_time(registered.get(title), where, named):
                yield _not_importable(task_id, where, title, reasons[title])


def pipeline_findings(pipeline: Any) -> Iterator[Finding]:
    """Checks the artifact types of components.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import import_utils

    for component in pipeline.components:
        channels = {"input": component.inputs, "output": component.outputs}
        for where, cls in [(f"{side} {key}", c.type) for side, named in channels.items() for key, c in named.items()]:
            title = cls.TYPE_NAME
            path = f"{cls.__module__}.{cls.__qualname__}"
            if compiler_utils.TITLE_TO_CLASS_PATH.get(f"{_OWN}{cls.__qualname__}") == path:
                continue
            if not TITLE.fullmatch(title):
                yield _outside_pattern(component.id, where, title)
                continue
            try:
                found = import_utils.import_class_by_path(compiler_utils.TITLE_TO_CLASS_PATH.get(title, title))
            except (ImportError, AttributeError) as e:
                yield _not_importable(component.id, where, title, str(e))
                continue
            if found is not cls:
                reason = f"the module has another class under this name, {found!r}"
                yield _not_importable(component.id, where, title, reason)


def _title(artifact_type: "pb.ArtifactTypeSchema", where: str) -> str:
    """The title of a type, read as TFX's entry point reads it; `tfx.Artifact` if the type has none."""
    if artifact_type.WhichOneof("kind") == "schema_title":
        return str(artifact_type.schema_title)
    title = title_of_schema(artifact_type.instance_schema, where)
    return "tfx.Artifact" if title is None else title


def _registered() -> dict[str, str]:
    """The titles that TFX's entry point maps to a class, ours included, each with the dotted path of its class."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    from pipeline.ground import artifacts

    artifacts.register()

    return dict(compiler_utils.TITLE_TO_CLASS_PATH)


def _is_registered_in_time(class_path: str | None, where: str, titles: dict[str, str]) -> bool:
    """Whether the package that registers a title is imported before the title is needed: inputs are parsed first."""
    if class_path is None or not where.startswith("output"):
        return False
    package = class_path.partition(".")[0]
    return any(key.startswith("input") and title.partition(".")[0] == package for key, title in titles.items())


def _outside_pattern(task: str, where: str, title: str) -> Finding:
    return Finding(
        "artifact-type-name",
        "error",
        task,
        where,
        f"The type's name is {title!r}; TFX's compiler accepts only `<module>.<Class>`, because the task imports the "
        "class by it.",
        _PATTERN_FIX,
    )


def _not_importable(task: str, where: str, title: str, reason: str) -> Finding:
    return Finding(
        "artifact-type-not-importable",
        "error",
        task,
        where,
        f"The task imports the type by its name, {title}, and cannot: {reason}.",
        "Make the class importable from the module under that name; `pipeline/__init__.py` shows how to do this "
        "without importing it early.",
    )
