"""What is measured on the eval split, and in which pieces."""

from typing import Any

import numpy as np
import pytest

from configs.leave_out import FromWeight, LeaveOut
from configs.models.two_tower import TwoTower
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.evaluate import Evaluator
from trainer.histories import Histories
from trainer.models.two_tower.fit import served
from trainer.models.two_tower.two_tower import TwoTowerModel

CANDIDATES = candidates_of([0, 1, 2, 3])
POPULARITY = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def measured(histories: list[list[int]], targets: list[list[str]], ks: tuple[int, ...]) -> tuple[Evaluator, Any]:
    evaluator = Evaluator(interactions_of(histories, targets), CANDIDATES, POPULARITY, ks)
    return evaluator, evaluator.popularity


def test_evaluate_target_stands_twice_counts_once() -> None:
    # The order is 3, 2, 1, 0.
    evaluator, result = measured([[0], [0]], [["3", "3"], ["3", "1", "3"]], (1, 2))

    assert result["ndcg@1"] == 1.0
    assert result["recall@1"] == (1 + 1 / 2) / 2
    assert result["hit_rate@2"] == 1.0
    assert evaluator.counts["targets"] == 3


def test_evaluate_two_targets_outside_the_catalogue_are_two_misses() -> None:
    evaluator, result = measured([[0]], [["3", "lost", "gone", "lost"]], (4,))
    assert result["recall@4"] == pytest.approx(1 / 3)
    assert evaluator.counts == {
        "users_before_cut": 1, "users": 1, "targets": 3, "targets_met": 0, "targets_outside_catalogue": 2
    }  # fmt: skip


def test_evaluate_target_in_the_history_is_a_miss_and_counted() -> None:
    evaluator, result = measured([[3, 0], [2], [1]], [["3", "2"], ["3"], []], (1, 4))

    # User 0 can be recommended 2, 1; the first of these is one target of two.
    assert result["recall@4"] == (1 / 2 + 1) / 2
    assert evaluator.counts == {
        "users_before_cut": 2, "users": 2, "targets": 3, "targets_met": 1, "targets_outside_catalogue": 0
    }  # fmt: skip


@pytest.mark.parametrize(("rule", "met"), [("everything", 1), (FromWeight(from_weight=2), 0), ("nothing", 0)])
def test_evaluate_purchase_of_a_viewed_item_is_found_if_it_may_be_recommended_again(rule: LeaveOut, met: int) -> None:
    # The order is 3, 2, 1, 0. User 0 has viewed 3; user 1 has bought 2 and is then asked for 3.
    weights = [[0.5, 0.5], [6.0]]
    held_out = interactions_of([[3, 0], [2]], [["3"], ["3", "1"]], weights=weights)
    evaluator = Evaluator(held_out, CANDIDATES, POPULARITY, (1, 2), rule)
    result = evaluator.popularity
    assert result["recall@1"] == (0.0 if rule == "everything" else 1.0) / 2 + 1 / 4
    assert evaluator.counts["targets_met"] == met
    # Among the first two, user 1 finds 1 only if 2 is left out, which it is as a purchase.
    assert result["recall@2"] == {"everything": 1 / 2, "nothing": 3 / 4}.get(str(rule), 1.0)
    model = TwoTowerModel(2, interactions_of([[0, 1, 2, 3]]), CANDIDATES, TwoTower(embedding_dim=4))
    ranked = Evaluator(held_out, CANDIDATES, POPULARITY, (4,), rule).evaluate(served(model, CANDIDATES).scores)
    assert ranked["hit_rate@4"] == (1 / 2 if rule == "everything" else 1.0)


@pytest.fixture
def world() -> tuple[TwoTowerModel, Histories]:
    rng = np.random.default_rng(1)
    histories = [rng.integers(0, 4, n).tolist() for n in (0, 1, 30, 2, 3, 50, 0, 1, 7)]
    held_out = interactions_of(histories, [[str(n % 4)] for n in range(len(histories))])
    return TwoTowerModel(
        len(histories), interactions_of([[0, 1, 2, 3]]), CANDIDATES, TwoTower(embedding_dim=4)
    ), held_out


@pytest.mark.parametrize("block", [1, 16, 40, 1 << 24])
def test_evaluate_any_block_gives_the_same(
    world: tuple[TwoTowerModel, Histories], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, held_out = world
    evaluator = Evaluator(held_out, CANDIDATES, POPULARITY, (1, 2))
    scores, embed = served(model, CANDIDATES).scores, model.query_tower.call
    whole, queries = evaluator.evaluate(scores), evaluator.embed_queries(embed, 4)
    monkeypatch.setattr("trainer.evaluate._VALUES_A_CHUNK", block)

    assert evaluator.evaluate(scores) == whole
    np.testing.assert_allclose(evaluator.embed_queries(embed, 4), queries, rtol=1e-6)


def test_evaluate_long_histories_make_small_blocks(
    world: tuple[TwoTowerModel, Histories], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, held_out = world
    monkeypatch.setattr("trainer.evaluate._VALUES_A_CHUNK", 40)
    sizes: list[tuple[int, int]] = []
    call = model.query_tower.call

    def watched(user: Any, history: Any, weight: Any) -> Any:
        sizes.append((len(user), len(history.values)))
        return call(user, history, weight)

    Evaluator(held_out, CANDIDATES, POPULARITY, (1,)).embed_queries(watched, 4)
    # An embedding has four numbers.
    assert all(users == 1 or 4 * (users + items) <= 40 for users, items in sizes)
    assert sum(users for users, _ in sizes) == held_out.users
