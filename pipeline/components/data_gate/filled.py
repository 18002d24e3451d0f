"""Compares how many items have a feature with the last run: values that go missing leave no trace in distributions."""

import math

from configs.data_gate import DataGateSettings
from documents.data_gate import DriftCheck, Filled

_LEAST_ITEMS = 3
"""Fewer items than this may lose a feature, unless they were all."""

_STANDARD_ERRORS = 4
"""Interactions are a sample: what people do today is not what they did yesterday."""


def filled_checks(today: dict[str, Filled], last: dict[str, Filled], settings: DataGateSettings) -> list[DriftCheck]:
    """Compares the shares.

    Args:
        today: By feature of this run's catalogue.
        last: By feature of the last blessed model's catalogue.
        settings: The limits.

    Returns:
        Two `filled` checks for each feature that both have and that had values: of items, and of interactions. Any
        number of values is judged.
    """
    limit = settings.min_filled_ratio
    if limit is None:
        return []
    return [
        check
        for name in today.keys() & last.keys()
        for check in (
            _check(name, "items", _of_items(today[name]), _of_items(last[name]), limit),
            _check(name, "interactions", _of_interactions(today[name]), _of_interactions(last[name]), limit),
        )
        if check is not None
    ]


_Part = tuple[int, int]
"""How many have the feature, and of how many."""


def _of_items(filled: Filled) -> _Part:
    return filled.items, filled.of_items


def _of_interactions(filled: Filled) -> _Part:
    return filled.interactions, filled.of_interactions


def _check(feature: str, what: str, now: _Part, then: _Part, limit: float) -> DriftCheck | None:
    if not now[1] or not then[0]:
        return None
    share, share_then = now[0] / now[1], then[0] / then[1]
    ratio = share / share_then
    lost = share_then * now[1] - now[0]
    if what == "items":
        is_chance = now[0] > 0 and round(lost) < _LEAST_ITEMS
    else:
        is_chance = lost <= _STANDARD_ERRORS * _deviation(now, then)
    having = f"{what} that have {feature}" if what == "items" else f"{what} whose item has {feature}"
    return DriftCheck(
        check="filled",
        data="catalogue",
        split="train",
        feature=feature,
        measure=f"{what}_ratio",
        value=ratio,
        limit=limit,
        passed=ratio >= limit or is_chance,
        detail=f"{having}: {now[0]:,} of {now[1]:,} ({share:.1%}) today, {then[0]:,} of {then[1]:,} "
        f"({share_then:.1%}) in the last run; data_gate.min_filled_ratio requires {limit:g} times the last share",
    )


def _deviation(now: _Part, then: _Part) -> float:
    """The standard error of the number that would have lost the feature if both runs had the same share (binomial)."""
    share = (now[0] + then[0]) / (now[1] + then[1])
    return now[1] * math.sqrt(share * (1 - share) * (1 / now[1] + 1 / then[1]))
