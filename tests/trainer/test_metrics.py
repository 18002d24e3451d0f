"""Ranking metrics, against figures worked out by hand."""

import math

import numpy as np
import pytest

from trainer.metrics import mean_metrics, target_ranks, user_metrics


def metrics(ranked: list[list[int]], targets: list[list[int]], ks: tuple[int, ...]) -> dict[str, float]:
    row = np.repeat(np.arange(len(targets)), [len(of_user) for of_user in targets])
    rank = target_ranks(np.array(ranked), row, np.concatenate(targets).astype(np.int64))
    return mean_metrics(user_metrics(rank, row, len(ranked), len(ranked[0]), ks))


def test_user_metrics_one_target_first_and_third_by_hand() -> None:
    result = metrics([[7, 1, 2], [4, 5, 6]], [[7], [6]], (1, 2, 3))

    assert result["hit_rate@1"] == result["hit_rate@2"] == result["recall@2"] == 0.5
    assert result["hit_rate@3"] == result["recall@3"] == 1.0
    assert result["ndcg@2"] == 0.5
    assert result["ndcg@3"] == pytest.approx((1 + 1 / math.log2(4)) / 2)


def test_user_metrics_several_targets_by_hand() -> None:
    result = metrics([[7, 1, 2, 3]], [[1, 3, 9]], (2, 4))

    assert result["hit_rate@2"] == 1.0
    assert result["recall@2"] == pytest.approx(1 / 3)
    assert result["recall@4"] == pytest.approx(2 / 3)
    # Two targets would fill the first two places of an ideal order, three the first three.
    assert result["ndcg@2"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert result["ndcg@4"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_user_metrics_target_outside_the_catalogue_is_a_miss() -> None:
    # A padded ranking holds -1 too; the two must not meet.
    result = metrics([[-1, -1], [3, -1]], [[-1], [3]], (2,))
    assert result == {"hit_rate@2": 0.5, "recall@2": 0.5, "ndcg@2": 0.5}


def test_user_metrics_user_without_target_is_not_counted() -> None:
    assert metrics([[1, 2], [1, 2]], [[], [1]], (1,))["hit_rate@1"] == 1.0


def test_user_metrics_k_above_the_catalogue_counts_what_is_there() -> None:
    result = metrics([[1, 2]], [[2, 1]], (100,))
    assert result == {"hit_rate@100": 1.0, "recall@100": 1.0, "ndcg@100": 1.0}
