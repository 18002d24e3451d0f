"""Lists the rules, in the order in which their findings are shown."""

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.job.lint import (
    artifacts,
    containers,
    custom_config,
    executors,
    names,
    nodes,
    open_source,
    parameters,
    places,
    resolvers,
)
from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import Subject

JOB_RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    names.job_findings,
    custom_config.job_findings,
    executors.job_findings,
    artifacts.job_findings,
    parameters.job_findings,
    places.job_findings,
    open_source.resolvers,
    open_source.drivers,
    containers.images,
    containers.tfx_line,
    containers.resources,
    containers.service_account,
    containers.dataflow_workers,
)
"""Rules for a compiled job. None of them imports the job's code."""

PIPELINE_RULES: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    names.pipeline_findings,
    nodes.unions,
    nodes.infra_validators,
    nodes.unsupported,
    resolvers.resolvers,
    resolvers.blessings,
    custom_config.pipeline_findings,
    executors.pipeline_findings,
    artifacts.pipeline_findings,
    parameters.pipeline_findings,
)
"""Rules for a `tfx.dsl.Pipeline`, before TFX's compiler refuses it or drops something."""
