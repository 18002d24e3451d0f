"""Finds what would fail or surprise on Vertex, before anything is uploaded."""

from typing import TYPE_CHECKING, Any

from pipeline.job.lint.custom_config import CHANNEL_IN_CUSTOM_CONFIG
from pipeline.job.lint.finding import Finding, in_order
from pipeline.job.lint.rules import JOB_RULES, PIPELINE_RULES
from pipeline.job.lint.subject import JobContext, Subject

if TYPE_CHECKING:
    from pipeline.job.compiled import CompiledJob

__all__ = ["CHANNEL_IN_CUSTOM_CONFIG", "Finding", "JobContext", "explain", "job_findings", "pipeline_findings"]


def job_findings(job: "CompiledJob", context: JobContext | None = None) -> list[Finding]:
    """Checks a compiled job with all rules.

    Args:
        job: The job, of any TFX pipeline.
        context: What is known about its submission. None: rules that need it find nothing.

    Returns:
        The findings, errors first.

    Raises:
        JobError: The job cannot be used: a task names a component or an executor that the job does not have.
    """
    subject = Subject(job, context)
    return in_order([finding for rule in JOB_RULES for finding in rule(subject)])


def pipeline_findings(pipeline: Any) -> list[Finding]:
    """Checks a pipeline before it is compiled.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.

    Returns:
        The findings, errors first.
    """
    return in_order([finding for rule in PIPELINE_RULES for finding in rule(pipeline)])


def explain(job: "CompiledJob", task: str) -> list[Finding]:
    """Finds possible reasons why a task failed.

    Args:
        job: The job.
        task: The task's id.

    Returns:
        The findings of that task, errors first.

    Raises:
        JobError: As `job_findings`.
    """
    return [finding for finding in job_findings(job) if finding.task == task]
