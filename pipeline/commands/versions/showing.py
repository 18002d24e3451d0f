"""Shows versions for the commands about versions on this machine and on Vertex."""

from collections.abc import Mapping
from typing import Any

from pipeline.ground.terminal import console

SHORT = 12
"""How many characters of a digest are shown; they are enough to distinguish models."""


def state(row: dict[str, Any]) -> str:
    """Says whether a version is live, withdrawn, or holds an older model again.

    Args:
        row: A version, as in a listing.
    """
    words = [word for word in ("live", "withdrawn") if row.get(word)]
    words += [f"back to {row['rolled_back_to']}"] if row.get("rolled_back_to") else []
    return ", ".join(words)


def say(text: str) -> None:
    """Prints a line, with rich's markup.

    Args:
        text: The line.
    """
    console().print(text, highlight=False, soft_wrap=True)


def say_withdrawn(withdrawn: Mapping[str, int]) -> None:
    """Prints a line for each version that a rollback withdrew.

    Args:
        withdrawn: The numbers of the versions, by the digests of their models.
    """
    for digest, number in withdrawn.items():
        say(f"  Version {number} ({digest[:SHORT]}) is withdrawn: it is not pushed again.")
