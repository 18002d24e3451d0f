"""The result of one check of the machine."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "error"]
"""`error`: the pipeline cannot run. `warning`: a part of what Perennial does cannot, or may not."""


@dataclass(frozen=True)
class Check:
    """One line of the doctor's table."""

    name: str
    """What was looked at."""

    status: Status
    """How it is."""

    found: str
    """What is there."""

    advice: str = ""
    """What to do; empty if nothing."""

    def as_json(self) -> dict[str, Any]:
        """The fields, as JSON values."""
        return asdict(self)
