"""Popularity: its counts, and its ranking against sorting."""

import dataclasses

import numpy as np
import pytest

from common.errors import TrainingError
from tests.trainer.worlds import interactions_of, random_histories
from trainer import popularity
from trainer.popularity import (
    SECONDS_A_DAY,
    interaction_counts,
    popularity_order,
    popularity_ranking,
    popularity_shares,
    recent_popularity,
)

ITEMS = 40


@pytest.mark.parametrize("k", [5, 38])
def test_popularity_ranking_equals_sorting(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(popularity, "_VALUES_A_CHUNK", 100)
    users, count = random_histories(60, ITEMS, 1), np.random.default_rng(0).integers(0, 5, ITEMS)
    result = popularity_ranking(users, count, k)
    for user in range(users.users):
        seen = set(users.item[users.offset[user] : users.offset[user + 1]])
        wanted = [item for item in sorted(range(ITEMS), key=lambda i: (-count[i], i)) if item not in seen][:k]
        assert result[user].tolist() == wanted + [-1] * (k - len(wanted))


def test_popularity_ranking_by_shares_is_that_by_counts() -> None:
    train, users = random_histories(50, ITEMS, 2), random_histories(20, ITEMS, 3)
    by_count = popularity_ranking(users, interaction_counts(train, ITEMS), 10)
    np.testing.assert_array_equal(popularity_ranking(users, popularity_shares(train, ITEMS), 10), by_count)


def test_interaction_counts_pass_over_items_outside_the_index() -> None:
    train = interactions_of([[0, 2, -1], [2]])
    assert interaction_counts(train, 4).tolist() == [1, 0, 2, 0]
    assert popularity_shares(train, 4).tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0])
    assert popularity_order(interaction_counts(train, 4)).tolist() == [2, 0, 1, 3]


def test_recent_popularity_counts_the_last_days_and_then_all_time() -> None:
    days = np.array([0, 1, 2.9, 3.1, 5, 5])
    train = dataclasses.replace(
        interactions_of([[0, 0, 0, 1], [1, 2]]), timestamp=(days * SECONDS_A_DAY).astype(np.int64) + 10**9
    )
    # The last two days are those after day 3: item 1 twice, and item 2 once.
    recent = recent_popularity(train, 4, days=2)
    np.testing.assert_allclose(recent, (np.array([0, 2, 1, 0]) + np.array([3, 2, 1, 0]) / 6) / 4)
    assert popularity_order(recent).tolist() == [1, 2, 0, 3]
    assert recent.sum() == pytest.approx(1)
    assert popularity_order(recent_popularity(train, 4, days=10)).tolist() == [0, 1, 2, 3]


def test_recent_popularity_ends_at_the_newest_interaction_of_anybody_with_anything() -> None:
    train = dataclasses.replace(interactions_of([[0, 0], [1, -1]]), timestamp=np.array([0, 0, 1, 3]) * SECONDS_A_DAY)
    np.testing.assert_allclose(recent_popularity(train, 2, days=2), popularity_shares(train, 2))


def test_recent_popularity_without_times_is_refused() -> None:
    with pytest.raises(TrainingError, match="the log has no times"):
        recent_popularity(interactions_of([[0]]), 2, days=7)
