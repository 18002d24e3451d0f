"""What lint found: one fault, where it is, why it matters on Vertex, and what to do."""

from dataclasses import asdict, dataclass
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

    @property
    def place(self) -> str:
        """Task and place in one line."""
        return f"{self.task}, {self.where}" if self.task else self.where

    def as_json(self) -> dict[str, Any]:
        """The fields, as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.severity} {self.rule}: {self.place}: {self.why} {self.fix}"


def in_order(findings: list[Finding]) -> list[Finding]:
    """Errors first, each once; else in the order they came in."""
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.severity != "error")
