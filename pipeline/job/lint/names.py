"""Finds names and labels that Vertex, its client or TFX's compiler refuse."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import Subject

_COMPILER = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
"""The pattern of `tfx.orchestration.kubeflow.v2.pipeline_builder`."""

_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,112}")
"""A job's id is the name, a dash and 14 digits of the time. It has at most 128 characters and begins with a letter."""

_OURS = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""The pattern of `name` in `configs.pipeline`: such a name can also be a label."""

_MAX_DISPLAY_NAME = 128

_LABEL_KEY = re.compile(r"[^\W\d_A-Z][\w-]{0,62}")
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
"""Google Cloud's patterns: small letters and letters without case, digits, dashes, underscores."""

_MAX_LABELS = 64


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks the job's names and labels.

    Args:
        subject: The job.
    """
    yield from _pipeline_name(subject.job.name, "pipelineSpec.pipelineInfo.name")
    display_name = str(subject.job.document.get("displayName", ""))
    if len(display_name) > _MAX_DISPLAY_NAME:
        yield Finding(
            "display-name",
            "error",
            None,
            "displayName",
            f"It has {len(display_name)} characters; Vertex takes at most {_MAX_DISPLAY_NAME}.",
            "Give it a shorter one.",
        )
    yield from _labels(subject.job.document.get("labels", {}))


def pipeline_findings(pipeline: Any) -> Iterator[Finding]:
    """Checks the pipeline's name.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    yield from _pipeline_name(pipeline.pipeline_info.pipeline_name, "the pipeline's name")


def _pipeline_name(name: str, where: str) -> Iterator[Finding]:
    fix = "Give it a name of small letters, digits and dashes that begins with a letter, at most 63 characters."
    if not _COMPILER.fullmatch(name):
        why = f"{name!r} does not match [a-z0-9][a-z0-9-]{{0,127}}, which TFX's compiler and Vertex require."
        yield Finding("pipeline-name", "error", None, where, why, fix)
    elif not _JOB_ID.fullmatch(name):
        why = (
            f"{name!r} and the time do not make a job id: a job id begins with a letter and has at most 128 "
            "characters, and the time takes 15 of them."
        )
        yield Finding("pipeline-name", "error", None, where, why, fix)
    elif not _OURS.fullmatch(name):
        why = (
            f"{name!r} has {len(name)} characters, which is too long for our configs and for the label that finds the "
            "runs."
        )
        yield Finding("pipeline-name", "warning", None, where, why, fix)


def _labels(labels: Mapping[str, Any]) -> Iterator[Finding]:
    fix = "Use small letters, digits, dashes and underscores, at most 63; a key begins with a letter."
    for key, value in labels.items():
        bad_key = not _LABEL_KEY.fullmatch(key) or key != key.lower()
        bad_value = not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value) or value != value.lower()
        if bad_key or bad_value:
            what = f"the key {key!r}" if bad_key else f"the value {value!r}"
            yield Finding("label", "error", None, f"label {key}", f"Google Cloud does not accept {what}.", fix)
    if len(labels) > _MAX_LABELS:
        why = f"There are {len(labels)}; Google Cloud takes at most {_MAX_LABELS}."
        yield Finding("label", "error", None, "labels", why, "Remove some.")
