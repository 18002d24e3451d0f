"""The gate as a truth table: a good model passes, and each single thing that is wrong refuses it by its own rule."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from common.errors import ConfigError
from configs.evaluation import Evaluation, Gate
from pipeline.evaluation.gate import Evidence, decision, rules
from trainer.bootstrap import ConfidenceInterval

GOOD = Evidence(
    model_fault=None,
    serving_failures=None,
    has_last_blessed=True,
    last_blessed_fault=None,
    users=942,
    items=1682,
    slice_users={"target_popularity/head": 311, "target_popularity/tail": 363},
    metrics={
        "model": {
            "hit_rate@10": ConfidenceInterval(0.175, 0.15, 0.2),
            "ndcg@10": ConfidenceInterval(0.089, 0.07, 0.1),
            "coverage@10": ConfidenceInterval(0.4, 0.38, 0.42),
        },
        "last_blessed": {"ndcg@100": ConfidenceInterval(0.17, 0.16, 0.18)},
    },
    differences={
        "popularity": {"ndcg@10": ConfidenceInterval(0.06, 0.04, 0.08)},
        "item_item": {"ndcg@10": ConfidenceInterval(-0.01, -0.03, 0.01)},
        "last_blessed": {"ndcg@100": ConfidenceInterval(-0.006, -0.012, 0.001)},
    },
    neighbour_stability=0.47,
    stability_fault=None,
)


def changed(**changes: Any) -> Evidence:
    return dataclasses.replace(GOOD, **changes)


def model_metric(name: str, value: float, low: float | None = None) -> Evidence:
    figure = ConfidenceInterval(value, value if low is None else low, value)
    return changed(metrics={**GOOD.metrics, "model": {**GOOD.metrics["model"], name: figure}})


FIRST = {name: figures for name, figures in GOOD.differences.items() if name != "last_blessed"}
"""The differences of a model without a last blessed one."""


def difference(other: str, metric: str, *interval: float) -> Evidence:
    return changed(differences={**GOOD.differences, other: {metric: ConfidenceInterval(*interval)}})


def failed(evidence: Evidence, gate: Gate | None = None) -> set[str]:
    applied = rules(evidence, gate or Gate())
    assert decision(applied).blessed == all(rule.passed for rule in applied)
    return {rule.rule for rule in applied if not rule.passed}


def test_rules_good_model_passes_all() -> None:
    assert failed(GOOD) == set()
    assert failed(GOOD, Gate(min_neighbour_stability=0.4)) == set()


@pytest.mark.parametrize(
    ("evidence", "rule"),
    [
        (changed(model_fault="it has no signature"), "scoreable"),
        (changed(serving_failures=["recommend: answers differ by 0.3"]), "servable"),
        (changed(serving_failures=[]), "servable"),
        (changed(users=199), "users"),
        (changed(slice_users={"target_popularity/head": 311}), "slice"),
        (changed(slice_users={**GOOD.slice_users, "target_popularity/tail": 0}), "slice"),
        (model_metric("hit_rate@10", 0.0), "floor"),
        (model_metric("hit_rate@10", 0.0099), "floor"),
        (model_metric("coverage@10", 0.006), "coverage"),
        (difference("popularity", "ndcg@10", 0.0, 0.0, 0.0), "better_than_popularity"),
        (difference("popularity", "ndcg@10", 0.01, -0.001, 0.02), "better_than_popularity"),
        (difference("popularity", "ndcg@10", np.nan, np.nan, np.nan), "better_than_popularity"),
        (difference("item_item", "ndcg@10", -0.02, -0.03, -0.0001), "not_worse_than_item_item"),
        (difference("item_item", "ndcg@10", np.nan, np.nan, np.nan), "not_worse_than_item_item"),
        (difference("item_item", "recall@10", 0.1, 0.1, 0.1), "not_worse_than_item_item"),
        (difference("last_blessed", "ndcg@100", -0.02, -0.025, -0.015), "not_worse_than_last_blessed"),
        # Perhaps no worse, but not shown to be: the interval reaches below the margin of 0.017.
        (difference("last_blessed", "ndcg@100", 0.0, -0.018, 0.018), "not_worse_than_last_blessed"),
        (difference("last_blessed", "ndcg@100", np.nan, np.nan, np.nan), "not_worse_than_last_blessed"),
        (changed(differences=FIRST), "not_worse_than_last_blessed"),
        (model_metric("novelty@10", np.nan), "finite"),
        (model_metric("gini@10", 0.9, low=np.nan), "finite"),
        (model_metric("mrr", np.inf), "finite"),
    ],
)
def test_rules_one_thing_wrong_refuses_by_its_rule(evidence: Evidence, rule: str) -> None:
    assert failed(evidence) == {rule}


def test_rules_metric_that_is_not_a_number_never_passes_its_own_rule_either() -> None:
    assert failed(model_metric("hit_rate@10", np.nan)) == {"finite", "floor"}
    assert failed(model_metric("coverage@10", np.nan)) == {"finite", "coverage"}


def test_rules_unmeasured_model_is_refused_even_by_an_empty_gate() -> None:
    empty = Gate(min_users=1, floor={}, min_coverage=0, required_slices=())
    nothing = Evidence(None, None, False, None, 0, 0, {}, {}, {}, None, None)
    assert {"finite", "floor", "better_than_popularity"} <= failed(nothing, empty)
    assert failed(GOOD, empty) == {"floor"}


def test_rules_servable_tells_the_first_failures_and_how_many_more() -> None:
    applied = rules(changed(serving_failures=["one", "word " * 1000, "three", "four", "five"]), Gate())
    (rule,) = (rule for rule in applied if not rule.passed)
    assert "one; word word" in rule.detail and rule.detail.endswith("three; and 2 more")
    assert len(rule.detail) < 500


def test_rules_first_model_is_not_compared_with_another() -> None:
    first = changed(has_last_blessed=False, differences=FIRST)
    assert failed(first, Gate(min_neighbour_stability=0.9)) == set()
    assert failed(dataclasses.replace(first, users=5)) == {"users"}


def test_rules_broken_last_blessed_is_noted_and_not_compared_with() -> None:
    broken = changed(
        last_blessed_fault="it is gone",
        neighbour_stability=None,
        differences=FIRST,
    )
    applied = {rule.rule: rule for rule in rules(broken, Gate(min_neighbour_stability=0.9))}
    for name in ("not_worse_than_last_blessed", "neighbour_stability"):
        assert applied[name].passed and "it is gone" in applied[name].detail
    assert failed(broken) == set()


def test_rules_what_was_measured_counts_even_of_a_broken_last_blessed() -> None:
    worse = difference("last_blessed", "ndcg@100", -0.02, -0.025, -0.015)
    assert failed(dataclasses.replace(worse, last_blessed_fault="it broke")) == {"not_worse_than_last_blessed"}


@pytest.mark.parametrize("interval", [(0.0, 0.0, 0.0), (-0.02, -0.04, 0.0), (0.02, 0.01, 0.03)])
def test_rules_interval_that_reaches_item_item_passes(interval: tuple[float, float, float]) -> None:
    assert failed(difference("item_item", "ndcg@10", *interval)) == set()


def test_rules_item_item_may_be_another_metric_or_not_checked() -> None:
    worse = difference("item_item", "recall@10", -0.02, -0.03, -0.01)
    assert failed(worse, Gate(not_worse_than_item_item="recall@10")) == {"not_worse_than_item_item"}
    assert failed(worse, Gate(not_worse_than_item_item=None)) == set()
    with pytest.raises(ConfigError, match="'gini@10' is not a metric"):
        Gate(not_worse_than_item_item="gini@10").require_measured(Evaluation())


@pytest.mark.parametrize(("users", "least", "rules_failed"), [(199, 200, 0), (200, 200, 1), (25, 20, 1), (19, 20, 0)])
def test_rules_few_users_are_not_compared_with_item_item_and_it_says_so(
    users: int, least: int, rules_failed: int
) -> None:
    worse = dataclasses.replace(difference("item_item", "ndcg@10", -0.4, -0.5, -0.3), users=users)
    gate = Gate(min_users=10, item_item_min_users=least)
    assert len(failed(worse, gate)) == rules_failed
    (rule,) = (rule for rule in rules(worse, gate) if rule.rule == "not_worse_than_item_item")
    assert ("too few" in rule.detail) == (rules_failed == 0)


def test_rules_neighbour_stability_counts_only_where_asked_for() -> None:
    moved = changed(neighbour_stability=0.1)
    assert failed(moved) == set()
    assert failed(moved, Gate(min_neighbour_stability=0.2)) == {"neighbour_stability"}


def test_rules_neighbour_stability_not_measurable_refuses_and_says_why() -> None:
    applied = rules(
        changed(neighbour_stability=None, stability_fault="no similar_items"), Gate(min_neighbour_stability=0.2)
    )
    (rule,) = (rule for rule in applied if not rule.passed)
    assert rule.rule == "neighbour_stability" and "no similar_items" in rule.detail
    assert (rule.value, rule.limit) == (None, 0.2)


def test_rules_neighbour_stability_of_a_first_model_is_listed() -> None:
    first = changed(has_last_blessed=False, differences={}, neighbour_stability=None)
    (rule,) = (rule for rule in rules(first, Gate(min_neighbour_stability=0.9)) if rule.rule == "neighbour_stability")
    assert rule.passed and "no last blessed model" in rule.detail


def test_rules_coverage_of_few_users_is_asked_for_in_proportion() -> None:
    # 300 users see 3,000 items at most: of a million, the default of 2 % could not be reached.
    few = dataclasses.replace(model_metric("coverage@10", 0.001), users=300, items=1_000_000)
    assert failed(few) == set()
    assert failed(dataclasses.replace(few, items=10_000)) == {"coverage"}


def test_rules_last_blessed_that_finds_nothing_must_be_matched() -> None:
    zero = {**GOOD.metrics, "last_blessed": {"ndcg@100": ConfidenceInterval(0.0, 0.0, 0.0)}}
    same = {**GOOD.differences, "last_blessed": {"ndcg@100": ConfidenceInterval(0.0, 0.0, 0.0)}}
    worse = {**GOOD.differences, "last_blessed": {"ndcg@100": ConfidenceInterval(-0.01, -0.02, 0.0)}}
    assert failed(changed(metrics=zero, differences=same)) == set()
    assert failed(changed(metrics=zero, differences=worse)) == {"not_worse_than_last_blessed"}


def test_decision_lists_every_rule_with_numbers_json_can_hold() -> None:
    result = decision(rules(difference("popularity", "ndcg@10", np.nan, np.nan, np.nan), Gate()))
    assert not result.blessed
    assert [rule.rule for rule in result.rules] == [
        "scoreable", "servable", "users", "slice", "slice", "finite", "floor", "coverage", "better_than_popularity",
        "not_worse_than_item_item", "not_worse_than_last_blessed",
    ]  # fmt: skip
    (popularity,) = (rule for rule in result.rules if rule.rule == "better_than_popularity")
    assert (popularity.value, popularity.low, popularity.limit) == (None, None, 0.0)


def test_decision_of_a_model_that_cannot_be_scored_lists_what_is_known_all_the_same() -> None:
    fault = changed(model_fault="its embeddings are not finite")
    of_others = {name: figures for name, figures in GOOD.metrics.items() if name != "model"}
    unmeasured = dataclasses.replace(fault, metrics=of_others, differences={})
    unread = dataclasses.replace(unmeasured, users=0, items=0, slice_users={})
    listed = [[rule.rule for rule in rules(evidence, Gate())] for evidence in (GOOD, fault, unmeasured, unread)]
    assert listed[0] == listed[1]
    assert listed[2:] == [["scoreable", "servable", "users", "slice", "slice"], ["scoreable", "servable"]]
    assert [failed(evidence) for evidence in (fault, unmeasured, unread)] == [{"scoreable"}] * 3


def test_gate_defaults_ask_for_what_the_default_evaluation_measures() -> None:
    Gate().require_measured(Evaluation())


@pytest.mark.parametrize(
    ("evidence", "is_better"),
    [
        (difference("recent_popularity", "ndcg@10", 0.03, 0.01, 0.05), True),
        (difference("recent_popularity", "ndcg@10", 0.03, -0.01, 0.05), False),
        (GOOD, False),  # not measured
    ],
)
def test_rules_recent_popularity_counts_only_if_the_gate_says_so(evidence: Evidence, is_better: bool) -> None:
    assert failed(evidence, Gate(better_than_recent_popularity=False)) == set()
    assert failed(evidence) == set()
    wanted = set() if is_better else {"better_than_recent_popularity"}
    assert failed(evidence, Gate(better_than_recent_popularity=True)) == wanted
