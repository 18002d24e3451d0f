"""The rules, in the order in which their findings are told."""

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.vertex.lint import custom_config
from pipeline.vertex.lint.finding import Finding
from pipeline.vertex.lint.subject import Subject

JOB_RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (custom_config.job_findings,)
"""Over the compiled job. None of them imports TFX or the job's code, unless it is imported already."""

PIPELINE_RULES: tuple[Callable[[Any], Iterator[Finding]], ...] = (custom_config.pipeline_findings,)
"""Over a `tfx.dsl.Pipeline`, before TFX's compiler refuses it or drops something."""
