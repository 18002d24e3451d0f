"""Limits the share of the log that one user or one item has."""

from configs.data_gate import DataGateSettings
from documents.cleaning import Outlier
from documents.data_gate import DriftCheck
from pipeline.drift.checks import at_most
from transforms import features


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
