"""How a check of today's data compares, and how a failed one reads."""

from documents.data_gate import DriftCheck


def at_most(value: float, limit: float) -> bool:
    """Whether a value keeps to a limit; one that is not a number does not."""
    return value <= limit


def failures_text(failed: list[DriftCheck], of: int, compared_with: str) -> str:
    """The error of a run that is stopped.

    Args:
        failed: The checks that failed.
        of: How many there were.
        compared_with: The last blessed model's folder.

    Returns:
        A line for each, then what to do.
    """
    return "\n".join(
        [
            f"DataGate stopped the run: {len(failed)} of {of} checks against the data of the last blessed model fail.",
            *(f"  {check.check} of {check.data}: {check.detail}" for check in failed),
            f"Compared with {compared_with}; what is served stays as it is.",
            "Look at what writes the log and the catalogue. If the change is meant, raise the limits named above, or "
            "set them to null, until a model of this data is blessed: later runs are compared with that one's data.",
        ]
    )
