"""What all checks of today's data share: the comparison with a limit, and the error text for failed checks."""

from documents.data_gate import DriftCheck


def at_most(value: float, limit: float) -> bool:
    """Whether a value is within a limit; not-a-number is not."""
    return value <= limit


def failures_text(failed: list[DriftCheck], total: int, compared_with: str | None) -> str:
    """Builds the error message of a run that is stopped.

    Args:
        failed: The checks that failed.
        total: The number of all checks.
        compared_with: The last blessed model's folder; None if there is none.

    Returns:
        One line for each failed check, then what to do.
    """
    return "\n".join(
        [
            f"DataGate stopped the run: {len(failed)} of {total} checks of today's data fail.",
            *(f"  {check.check} of {check.data}: {check.detail}" for check in failed),
            *([f"Compared with {compared_with}; the served model has not changed."] if compared_with else []),
            "Check what writes the log and the catalogue. If the change is intended, raise the limits named above, "
            "or set them to null, until a model of this data is blessed; later runs compare with that model's data.",
        ]
    )
