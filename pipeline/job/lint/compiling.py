"""Lint at compile time: what would fail is not written, what would surprise goes to the log."""

import logging

from common.errors import JobError
from pipeline.job.lint.finding import Finding, as_line, together

_logger = logging.getLogger("perennial.vertex.lint")


def refuse(findings: list[Finding]) -> None:
    """Stops a compilation, or a submission, if something in the job would fail where it is to run.

    Args:
        findings: Of the pipeline or of the job.

    Raises:
        JobError: There are errors among them; the message lists them all.
    """
    fatal = [finding for finding in findings if finding.severity == "error"]
    if fatal:
        told = [f"  {as_line(finding, tasks)}" for finding, tasks in together(fatal).items()]
        raise JobError("\n".join([f"the job would fail; nothing was written or sent. Lint found {len(told)}:", *told]))
    for finding, tasks in together(findings).items():
        _logger.warning("%s", as_line(finding, tasks))
