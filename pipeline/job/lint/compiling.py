"""Applies lint at compile time: errors stop the compilation, warnings go to the log."""

import logging

from common.errors import JobError
from pipeline.job.lint.finding import Finding, as_line, together

_logger = logging.getLogger("perennial.vertex.lint")


def refuse(findings: list[Finding]) -> None:
    """Stops a compilation or a submission if something in the job would fail; logs the warnings otherwise.

    Args:
        findings: Findings in the pipeline or the job.

    Raises:
        JobError: Some findings are errors; the message lists them all.
    """
    fatal = [finding for finding in findings if finding.severity == "error"]
    if fatal:
        lines = [f"  {as_line(finding, tasks)}" for finding, tasks in together(fatal).items()]
        raise JobError(
            "\n".join(
                [f"the job would fail, so nothing was written or sent. Lint found {len(lines)} error(s):", *lines]
            )
        )
    for finding, tasks in together(findings).items():
        _logger.warning("%s", as_line(finding, tasks))
