"""What lint found: one fault, where it is, why it matters on Vertex, and what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]
"""`error`: would fail, or give a wrong result. `warning`: would run, and surprise."""


@dataclass(frozen=True)
class Finding:
    """One fault."""

    rule: str
    """The rule's stable name, such as `channel-in-custom-config`."""

    severity: Severity
    """Whether it would fail or surprise."""

    task: str | None
    """The task's id; None: the fault is the whole job's."""

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
    """Errors first, each once; else in the order they came in.

    Args:
        findings: What the rules found; two rules may have found the same.
    """
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.severity != "error")


def together(findings: Iterable[Finding]) -> dict[Finding, list[str]]:
    """What is the same in several tasks, once: without its task, and the tasks that it is in.

    Args:
        findings: What was found.
    """
    tasks: dict[Finding, list[str]] = {}
    for finding in findings:
        of_them = tasks.setdefault(replace(finding, task=None), [])
        if finding.task:
            of_them.append(finding.task)
    return tasks


def as_line(finding: Finding, tasks: list[str]) -> str:
    """A fault in one line: rule, where, why, fix.

    Args:
        finding: The fault.
        tasks: The tasks that have it.
    """
    where = f"{', '.join(tasks)}; {finding.where}" if tasks else finding.where
    return f"{finding.rule}: {where}: {finding.why} {finding.fix}"
