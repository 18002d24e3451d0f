"""Both baselines against dense NumPy and sorting."""

import numpy as np
import pytest

from pipeline.components.retrieval_evaluator import baselines
from pipeline.components.retrieval_evaluator.users import Users

ITEMS = 40


def world(users: int, seed: int, longest: int = 25) -> Users:
    """Random histories with repeats, weights and items outside the catalogue; the first has none."""
    rng = np.random.default_rng(seed)
    length = rng.integers(0, longest, users)
    length[0] = 0
    total = int(length.sum())
    item = (ITEMS * rng.random(total) ** 2).astype(np.int32)
    item[rng.random(total) < 0.05] = -1
    nothing = np.zeros(0, np.int64)
    offset = np.concatenate([[0], np.cumsum(length)])
    return Users(
        np.arange(users), offset, item, rng.choice([0.5, 2.0, 6.0], total).astype(np.float32), nothing, nothing
    )


def dense(users: Users) -> np.ndarray:
    matrix = np.zeros((users.count, ITEMS))
    for user in range(users.count):
        for at in range(users.offset[user], users.offset[user + 1]):
            if users.item[at] >= 0:
                matrix[user, users.item[at]] += users.weight[at]
    return matrix


def by_sorting(scores: np.ndarray, seen: np.ndarray, k: int) -> list[int]:
    return [item for item in sorted(range(ITEMS), key=lambda i: (-scores[i], i)) if not seen[item]][:k]


@pytest.mark.parametrize("k", [5, 38])
def test_popularity_ranking_equals_sorting(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_VALUES_A_BLOCK", 100)
    users, count = world(60, 1), np.random.default_rng(0).integers(0, 5, ITEMS)
    came = baselines.popularity_ranking(users, count, k)
    seen = dense(users) > 0
    for user in range(users.count):
        wanted = by_sorting(count, seen[user], k)
        assert came[user].tolist() == wanted + [-1] * (k - len(wanted))


def test_item_item_ranking_equals_dense_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_VALUES_A_BLOCK", 200)
    train, users = world(80, 2), world(30, 3)
    matrix = dense(train)
    norms = np.linalg.norm(matrix, axis=0)
    cosine = matrix.T @ matrix / np.maximum(np.outer(norms, norms), 1e-12)
    np.fill_diagonal(cosine, 0)
    count = np.bincount(train.item[train.item >= 0], minlength=ITEMS)
    popular = baselines.popularity_ranking(users, count, 8)
    came = baselines.item_item_ranking(users, baselines.item_neighbours(train, ITEMS), popular)

    met = dense(users)
    for user in range(users.count):
        scores = met[user] @ cosine
        # Items that are like nothing met follow by popularity.
        order = sorted(range(ITEMS), key=lambda i: (-round(scores[i], 5), -count[i] if scores[i] <= 0 else 0, i))
        assert came[user].tolist() == [item for item in order if not met[user, item]][:8]


def test_item_neighbours_keeps_the_best_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    train = world(80, 2)
    whole = baselines.item_neighbours(train, ITEMS).toarray()
    monkeypatch.setattr(baselines, "NEIGHBOURS", 4)
    few = baselines.item_neighbours(train, ITEMS)
    assert (np.diff(few.indptr) <= 4).all()
    for item in range(ITEMS):
        np.testing.assert_allclose(np.sort(few[item].data), np.sort(whole[item])[-4:], rtol=1e-6)


def test_history_limit_bounds_the_pairs_and_cuts_only_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    length = np.array([1, 3, 50, 1000])
    assert baselines._history_limit(length) == 1000
    monkeypatch.setattr(baselines, "PAIRS", 10_000)
    limit = baselines._history_limit(length)
    assert limit == 86  # 1 + 9 + 50² + 86² is the last sum below 10,000
    monkeypatch.setattr(baselines, "PAIRS", 1)
    assert baselines._history_limit(length) == 1
