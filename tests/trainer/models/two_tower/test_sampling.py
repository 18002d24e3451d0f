"""Which items a batch is scored against, against a plain count; and how probable each is, against simulated batches."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from configs.models.two_tower import TwoTower
from trainer.models.two_tower.sampling import batch_candidates, log_sampling_probability

TARGET, DRAWN = [7, 3, 7, 5], [2, 7, 2, 9]


def sampled(drawn: list[int], batch_negatives: bool) -> tuple[dict[int, int], list[int]]:
    """How often each negative was sampled, and the items of the targets' indices."""
    made = batch_candidates(tf.constant(TARGET), tf.constant(drawn, tf.int32), batch_negatives=batch_negatives)
    candidate, count = made["candidate"].numpy(), made["candidate_count"].numpy()
    assert len(set(candidate)) == len(candidate)
    negatives = int(made["negatives"])
    assert not count[negatives:].any()
    return dict(zip(candidate[:negatives], count, strict=False)), candidate[made["target"].numpy()].tolist()


@pytest.mark.parametrize("drawn", [DRAWN, []])
def test_batch_candidates_counts_what_both_samplers_gave(drawn: list[int]) -> None:
    assert sampled(drawn, batch_negatives=True) == (Counter(TARGET + drawn), TARGET)


def test_batch_candidates_without_the_batchs_items_are_those_drawn() -> None:
    assert sampled(DRAWN, batch_negatives=False) == (Counter(DRAWN), TARGET)


def test_log_sampling_probability_of_the_batch_is_the_share_of_interactions() -> None:
    result = log_sampling_probability(np.array([2, 0, 2, 2]), 4, TwoTower())
    np.testing.assert_allclose(np.exp(result), [0.25, 0.25, 0.75, 0.25], rtol=1e-6)


def test_log_sampling_probability_of_both_samplers_is_what_batches_hold() -> None:
    rng = np.random.default_rng(0)
    item = np.repeat([0, 1, 2], [10, 70, 20])
    settings = TwoTower(batch_size=50, uniform_negatives=30)
    expected = np.exp(log_sampling_probability(item, 3, settings))
    counted = np.zeros(3)
    for _ in range(2000):
        made = batch_candidates(
            tf.constant(rng.choice(item, 50)), tf.constant(rng.integers(3, size=30)), batch_negatives=True
        )
        counted[made["candidate"].numpy()] += made["candidate_count"].numpy()
    np.testing.assert_allclose(counted / counted.sum(), expected, atol=0.005)


@pytest.mark.parametrize("settings", [{"log_q_correction": False}, {"batch_negatives": False, "uniform_negatives": 9}])
def test_log_sampling_probability_without_correction_and_of_uniform_draws_is_the_same_for_all(
    settings: dict[str, Any],
) -> None:
    assert not log_sampling_probability(np.array([0, 1, 1]), 2, TwoTower(**settings)).any()
