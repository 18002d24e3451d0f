"""Each rule at its limit and beyond it, and where there is nothing to measure."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0 import statistics_pb2

from configs.retraining import Retraining
from documents.data_gate import Counts
from documents.evaluation import Measurement
from documents.retraining import NewestTargets, RetrainingRule
from pipeline.components.retraining_check import rules
from pipeline.drift.blessing import Remembered
from pipeline.drift.facts import DataFacts
from tests.documents.samples import DATA_GATE, changed
from transforms.hashing import id_hashes

DAY = 86_400


def counts(**fields: Any) -> Counts:
    return changed(DATA_GATE.counts, **fields)


def remembered(items: list[str], interactions: int = 1000) -> Remembered:
    """A run's data whose interactions go round the items."""
    column = pa.array([[items[n % len(items)].encode()] for n in range(interactions)])
    batch = pa.RecordBatch.from_arrays([column], names=["item_id"])
    found: statistics_pb2.DatasetFeatureStatisticsList = stats_impl.generate_statistics_in_memory(
        batch, stats_options.StatsOptions()
    )
    samples = {"items": np.unique(id_hashes(items))}
    return Remembered({("interactions", "train"): found}, DataFacts(counts(), samples))


def only(found: list[RetrainingRule]) -> RetrainingRule:
    (rule,) = found
    return rule


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (7, False), (7.01, True)])
def test_age_is_that_of_the_newest_event_learned(days: float, is_due: bool) -> None:
    today, learned = counts(newest_timestamp=int((100 + days) * DAY)), counts(newest_timestamp=100 * DAY)
    rule = only(rules.age(today, learned, Retraining()))
    assert rule.is_due == is_due
    assert f"{days:.1f} days newer" in rule.detail and "retraining.max_age_days allows 7 days" in rule.detail


def test_age_without_times_or_limit_is_not_checked() -> None:
    timed, untimed = counts(newest_timestamp=DAY), counts(newest_timestamp=None)
    assert rules.age(untimed, timed, Retraining()) == rules.age(timed, untimed, Retraining()) == []
    assert rules.age(timed, timed, Retraining(max_age_days=None)) == []


@pytest.mark.parametrize(
    ("newer", "today", "learned", "share"),
    [(150, 1000, 990, 0.15), (None, 1000, 850, 0.15), (None, 1000, 1200, 0.0), (0, 1000, 500, 0.0)],
    ids=["counted by time", "grown, without times", "shrunk, without times", "grown by old events"],
)
def test_new_interactions_are_counted_by_time_else_by_growth(
    newer: int | None, today: int, learned: int, share: float
) -> None:
    rule = only(rules.new_interactions(newer, counts(events=today), counts(events=learned), Retraining()))
    assert rule.value == pytest.approx(share)
    assert rule.is_due == (share > 0.1)


def test_new_interactions_of_an_empty_log_are_not_checked() -> None:
    assert rules.new_interactions(0, counts(events=0), counts(events=5), Retraining()) == []


def test_new_items_are_those_that_were_not_learned() -> None:
    learned, today = remembered(["a", "b", "c"]), remembered(["b", "c", "d", "e"])
    rule = only(rules.new_items(today, learned, Retraining()))
    assert rule.value == 0.5 and rule.is_due
    assert not only(rules.new_items(learned, learned, Retraining())).is_due
    assert rules.new_items(today, learned, Retraining(max_new_items=None)) == []


def test_item_divergence_is_jensen_shannons() -> None:
    half, other = ["a", "b"], ["b", "c"]
    rule = only(rules.item_divergence(remembered(half), remembered(other), Retraining()))
    # Half of each is the other's: the mixture has 1/4, 1/2, 1/4, so the divergence is 1/2 bit.
    assert rule.value == pytest.approx(0.5, abs=0.01) and rule.is_due
    assert only(rules.item_divergence(remembered(half), remembered(half), Retraining())).value == 0


def test_item_divergence_of_few_interactions_is_chance_and_not_checked() -> None:
    assert rules.item_divergence(remembered(["a"], 400), remembered(["b"], 400), Retraining()) == []


def newest(value: float | None, high: float | None, learned: float | None = 0.1) -> NewestTargets:
    none = Measurement(value=None, low=None, high=None)
    model = Measurement(value=value, low=None, high=high)
    return NewestTargets(users=200, metric="ndcg@10", model=model, popularity=none, learned=learned)


@pytest.mark.parametrize(
    ("value", "high", "is_due"),
    [(0.05, 0.08, True), (0.05, 0.095, False), (0.12, 0.13, False), (0.05, None, True), (0.0, 0.0, True)],
)
def test_metric_loss_is_due_if_the_whole_interval_lies_below_the_limit(
    value: float, high: float | None, is_due: bool
) -> None:
    rule = only(rules.metric_loss(newest(value, high), Retraining(max_metric_loss=0.1)))
    assert rule.is_due == is_due
    assert rule.value == pytest.approx(1 - value / 0.1)


@pytest.mark.parametrize("found", [None, newest(None, None), newest(0.1, 0.1, None), newest(0.1, 0.1, 0.0)])
def test_metric_loss_without_a_measurement_or_a_record_is_not_checked(found: NewestTargets | None) -> None:
    assert rules.metric_loss(found, Retraining()) == []
