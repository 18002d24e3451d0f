"""What would fail or surprise on Vertex, told before anything is uploaded."""

from typing import TYPE_CHECKING, Any

from configs.pipeline import PipelineConfig
from pipeline.vertex.lint.custom_config import CHANNEL_IN_CUSTOM_CONFIG
from pipeline.vertex.lint.finding import Finding, in_order
from pipeline.vertex.lint.rules import JOB_RULES, PIPELINE_RULES
from pipeline.vertex.lint.subject import Subject

if TYPE_CHECKING:
    from pipeline.vertex.job import Job

__all__ = ["CHANNEL_IN_CUSTOM_CONFIG", "Finding", "explain", "job_findings", "pipeline_findings"]


def job_findings(job: "Job", config: PipelineConfig | None = None) -> list[Finding]:
    """Looks at a compiled job.

    Args:
        job: The job, of any TFX pipeline.
        config: The config that it was made from. None: rules that need one find nothing.

    Returns:
        What was found, errors first.

    Raises:
        JobError: The job cannot be used: a task names a component or an executor that it lacks.
    """
    subject = Subject(job, config)
    return in_order([finding for rule in JOB_RULES for finding in rule(subject)])


def pipeline_findings(pipeline: Any) -> list[Finding]:
    """Looks at a pipeline before it is compiled.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.

    Returns:
        What was found, errors first.
    """
    return in_order([finding for rule in PIPELINE_RULES for finding in rule(pipeline)])


def explain(job: "Job", task: str) -> list[Finding]:
    """What may have made a task fail.

    Args:
        job: The job.
        task: The task's id.

    Returns:
        The findings of that task, errors first.

    Raises:
        JobError: As `job_findings`.
    """
    return [finding for finding in job_findings(job) if finding.task == task]
