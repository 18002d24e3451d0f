"""Popularity: its counts, and its ranking against sorting."""

import numpy as np
import pytest

from tests.trainer.worlds import interactions_of, random_histories
from trainer import popularity
from trainer.popularity import interaction_counts, popularity_order, popularity_ranking, popularity_shares

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
