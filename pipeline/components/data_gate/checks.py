"""What all checks of today's data share: the comparison with a limit, and the error text for failed checks."""

from configs.data_gate import DataGateSettings
from documents.cleaning import Outlier
from documents.data_gate import DriftCheck
from transforms import features


def at_most(value: float, limit: float) -> bool:
    """Whether a value is within a limit; not-a-number is not."""
    return value <= limit


def outlier_checks(outliers: tuple[Outlier, ...], settings: DataGateSettings) -> list[DriftCheck]:
    """Compares users and items that have far more rows than the rest with the limits.

    Args:
        outliers: What InteractionGen found.
        settings: The limits.

    Returns:
        A `share` check for each outlier whose limit is not None.
    """
    limits = {
        features.USER_ID: ("max_user_share", settings.max_user_share),
        features.ITEM_ID: ("max_item_share", settings.max_item_share),
    }
    return [
        DriftCheck(
            check="share",
            data="interactions",
            split="",
            feature=one.column,
            measure="share",
            value=one.share,
            limit=limit,
            passed=at_most(one.share, limit),
            detail=f"{one.id!r} has {one.rows:,} rows, {one.share:.1%} of the log, and the next has {one.next_rows:,}; "
            f"data_gate.{field} allows {limit:.1%}",
        )
        for one in outliers
        for field, limit in [limits[one.column]]
        if limit is not None
    ]


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
