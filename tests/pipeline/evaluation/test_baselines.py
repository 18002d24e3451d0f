"""Item-item cosine against dense NumPy and sorting."""

import numpy as np
import pytest

from configs.leave_out import FromWeight, LeaveOut
from pipeline.evaluation import baselines
from tests.trainer.worlds import random_histories
from trainer.histories import Histories
from trainer.popularity import interaction_counts

ITEMS = 40


def dense(users: Histories) -> np.ndarray:
    matrix = np.zeros((users.users, ITEMS))
    for user in range(users.users):
        for at in range(users.offset[user], users.offset[user + 1]):
            if users.item[at] >= 0:
                matrix[user, users.item[at]] += users.weight[at]
    return matrix


@pytest.mark.parametrize("rule", ["everything", "nothing", FromWeight(from_weight=2), FromWeight(from_weight=6)])
def test_item_item_ranking_equals_dense_cosine(rule: LeaveOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_VALUES_A_CHUNK", 5 * ITEMS)
    train, users = random_histories(80, ITEMS, 2), random_histories(30, ITEMS, 3)
    matrix = dense(train)
    norms = np.linalg.norm(matrix, axis=0)
    cosine = matrix.T @ matrix / np.maximum(np.outer(norms, norms), 1e-12)
    np.fill_diagonal(cosine, 0)
    count = interaction_counts(train, ITEMS)
    left_out = users.left_out(rule)
    result = baselines.item_item_ranking(train, users, left_out, count, 8)

    met, gone = dense(users), dense(left_out)
    for user in range(users.users):
        scores = met[user] @ cosine
        # Items that are like nothing met follow by popularity.
        order = sorted(range(ITEMS), key=lambda i: (-round(scores[i], 5), -count[i] if scores[i] <= 0 else 0, i))
        assert result[user].tolist() == [item for item in order if not gone[user, item]][:8]


def test_history_limit_bounds_the_pairs_and_cuts_only_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    length = np.array([1, 3, 50, 1000])
    assert baselines._history_limit(length) == 1000
    monkeypatch.setattr(baselines, "_PAIRS", 10_000)
    limit = baselines._history_limit(length)
    assert limit == 86  # 1 + 9 + 50² + 86² is the last sum below 10,000
    monkeypatch.setattr(baselines, "_PAIRS", 1)
    assert baselines._history_limit(length) == 1
