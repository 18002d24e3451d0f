"""Defines a finding of lint: one fault, where it is, why it matters on Vertex, and what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]
"""`error`: the job would fail, or give a wrong result. `warning`: it would run, but surprise."""


@dataclass(frozen=True)
class Finding:
    """One fault."""

    rule: str
    """The rule's stable name, such as `channel-in-custom-config`."""

    severity: Severity
    """Whether the job would fail or surprise."""

    task: str | None
    """The task's id; None: the fault is in the job as a whole."""

    where: str
    """The place in the task or job, such as `parameter custom_config, field catalogue`."""

    why: str
    """What happens on Vertex."""

    fix: str
    """What to do."""

    def as_json(self) -> dict[str, Any]:
        """The fields, as JSON values."""
        return asdict(self)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sorts errors first, removes repeats, and otherwise keeps the order.

    Args:
        findings: The findings of the rules; two rules may have found the same.
    """
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.severity != "error")


def together(findings: Iterable[Finding]) -> dict[Finding, list[str]]:
    """Groups findings that are the same in several tasks.

    Args:
        findings: The findings.

    Returns:
        Each different finding, without its task, and the tasks that have it.
    """
    tasks: dict[Finding, list[str]] = {}
    for finding in findings:
        having_it = tasks.setdefault(replace(finding, task=None), [])
        if finding.task:
            having_it.append(finding.task)
    return tasks


def as_line(finding: Finding, tasks: list[str]) -> str:
    """Formats a fault as one line: rule, where, why, fix.

    Args:
        finding: The fault.
        tasks: The tasks that have it.
    """
    where = f"{', '.join(tasks)}; {finding.where}" if tasks else finding.where
    return f"{finding.rule}: {where}: {finding.why} {finding.fix}"
