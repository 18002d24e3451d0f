"""Finds artifact types that TFX's entry point cannot import: on Vertex a type is only a title, `<module>.<Class>`."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import OWN, TITLE, Subject

_PATTERN_FIX = (
    "Give the class a TYPE_NAME such as `pipeline.DataBlessing`: one module of 3 to 21 small letters, digits, dashes "
    "or underscores, one dot, and the class."
)


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks the artifact types of tasks that TFX runs.

    Args:
        subject: The job.
    """
    for task_id, titles in subject.titles.items():
        for where, title in titles.items():
            if title.startswith(OWN):
                continue
            if not TITLE.fullmatch(title):
                yield _outside_pattern(task_id, where, title)
            elif title in subject.not_importable and not _is_registered_in_time(title, where, titles):
                yield _not_importable(task_id, where, title, subject.not_importable[title])


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
            if compiler_utils.TITLE_TO_CLASS_PATH.get(f"{OWN}{cls.__qualname__}") == path:
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


def _is_registered_in_time(title: str, where: str, titles: Mapping[str, str]) -> bool:
    """Whether the package that registers a title is imported before the title is needed: inputs are parsed first."""
    if not where.startswith("output"):
        return False
    # Imported only here: TFX takes seconds.
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    from pipeline.ground import artifacts

    artifacts.register()
    class_path = compiler_utils.TITLE_TO_CLASS_PATH.get(title)
    if class_path is None:
        return False
    package = class_path.partition(".")[0]
    return any(key.startswith("input") and other.partition(".")[0] == package for key, other in titles.items())


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
