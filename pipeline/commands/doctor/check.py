"""Defines the result of one check of the machine."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "error"]
"""`error`: the pipeline cannot run. `warning`: a part of Perennial does not work, or may not work."""


@dataclass(frozen=True)
class Check:
    """One line of the doctor's table."""

    name: str
    """What was checked."""

    status: Status
    """The result."""

    found: str
    """What was found."""

    advice: str = ""
    """What to do; empty if there is nothing to do."""

    def as_json(self) -> dict[str, Any]:
        """Returns the fields as JSON values."""
        return asdict(self)
