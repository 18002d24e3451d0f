"""Shares of items and interactions that have a feature: what falls is seen at any size, and chance is not."""

import pytest

from configs.data_gate import DataGateSettings
from documents.data_gate import Filled
from pipeline.components.data_gate.filled import filled_checks


def filled(items: int, of: int, interactions: int = 0, of_interactions: int = 0) -> dict[str, Filled]:
    return {"price": Filled(items=items, of_items=of, interactions=interactions, of_interactions=of_interactions)}


@pytest.mark.parametrize(
    ("now", "then", "fails"),
    [
        (filled(400, 1000), filled(1000, 1000), ["items"]),  # 60 % lost, and both are many
        (filled(100, 1000), filled(1000, 1000), ["items"]),  # 90 % lost: below min_compared_values
        (filled(4, 10), filled(10, 10), ["items"]),
        (filled(0, 10), filled(4, 10), ["items"]),
        (filled(0, 5000), filled(3, 5000), ["items"]),
        (filled(0, 5), filled(1, 5), ["items"]),
        (filled(8, 10), filled(10, 10), []),
        (filled(1, 3), filled(3, 3), []),  # two of three: too few to say
        (filled(700, 1000), filled(1000, 1000), []),
        (filled(699, 1000), filled(1000, 1000), ["items"]),
        (filled(500, 1000), filled(1000, 1000, 0, 0), ["items"]),
        (filled(1000, 2000), filled(1000, 1000), ["items"]),  # the new half of the catalogue has none
        (filled(1000, 1000), filled(100, 1000), []),  # more is no loss
        (filled(900, 1000, 400, 1000), filled(1000, 1000, 1000, 1000), ["interactions"]),  # the best sellers lost it
        (filled(900, 1000, 4, 10), filled(1000, 1000, 8, 10), []),  # ten interactions say nothing
        (filled(900, 1000, 0, 100), filled(1000, 1000, 30, 100), ["interactions"]),
        ({}, filled(10, 10), []),  # the config no longer names it
        (filled(5, 10), {}, []),
        (filled(5, 10), filled(0, 10), []),
        (filled(0, 0), filled(10, 10), []),  # no catalogue today
    ],
)
def test_filled_share_that_falls_is_seen_at_any_size(
    now: dict[str, Filled], then: dict[str, Filled], fails: list[str]
) -> None:
    checks = filled_checks(now, then, DataGateSettings())
    assert [check.measure.removesuffix("_ratio") for check in checks if not check.passed] == fails
    assert filled_checks(now, then, DataGateSettings(min_filled_ratio=None)) == []
    assert all(check.passed for check in filled_checks(then, then, DataGateSettings()))
