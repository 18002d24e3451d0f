"""What `init` says about a guess."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """Why a field has its value."""

    reason: str
    is_sure: bool = True
    otherwise: str = ""
    """What to write instead if the guess is wrong."""
