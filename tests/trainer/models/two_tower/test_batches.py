"""The input pipeline against a plain loop over the histories."""

from typing import Any

import numpy as np
import pytest

from configs.models.two_tower import TwoTower
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.candidates import Candidates
from trainer.models.two_tower.batches import Batches

HISTORIES = [[0, 1, 2, 3, 4], [3, 1, 3, 0, 3], [2]]
WEIGHTS = [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], [11.0]]
CANDIDATES = candidates_of([4, -1, 3, 2, 1, 0])
CANDIDATES_OF_SIX = candidates_of([5, 4, 3, 2, 1, 0])


def batches(replicas: int = 1, **settings: Any) -> Batches:
    train = interactions_of(HISTORIES, users=[7, 8, 9], weights=WEIGHTS)
    return Batches(train, CANDIDATES, TwoTower(**{"batch_size": 4, "user_id_dropout": 0.0, **settings}), replicas)


def examples(epoch: Any, candidates: Candidates = CANDIDATES) -> list[tuple[Any, ...]]:
    """Each example as user, target, its weight, history and the history's weights."""
    result = []
    for batch in epoch.as_numpy_iterator():
        target = batch["candidate"][batch["target"]]
        np.testing.assert_array_equal(candidates.row[batch["candidate_place"]], batch["candidate"])
        np.testing.assert_array_equal(np.bincount(batch["target"]), batch["candidate_count"])
        for n, user in enumerate(batch["user"]):
            history, weight = batch["history"][n], batch["history_weight"][n]
            result.append((user, target[n], batch["weight"][n], tuple(history), tuple(weight)))
    return result


def expected(max_history: int) -> list[tuple[Any, ...]]:
    rows = []
    for user, history, weight in zip([7, 8, 9], HISTORIES, WEIGHTS, strict=True):
        for n, target in enumerate(history):
            ahead = list(zip(history[:n], weight[:n], strict=True))[-max_history:]
            others = [pair for pair in ahead if pair[0] != target]
            rows.append((user, target, weight[n], tuple(i for i, _ in others), tuple(w for _, w in others)))
    return sorted(rows)


@pytest.mark.parametrize("max_history", [1, 2, 50])
def test_epoch_history_is_what_was_before_without_the_target(max_history: int) -> None:
    # Eleven interactions in batches of one batch's size, so that none waits for another epoch.
    result = examples(batches(max_history=max_history, batch_size=11).epoch(1))
    assert sorted(result) == expected(max_history)


def test_epoch_without_order_history_is_all_others() -> None:
    result = examples(batches(ordered_history=False, max_history=50, batch_size=11).epoch(1))

    pairs = {
        user: list(zip(history, weight, strict=True))
        for user, history, weight in zip([7, 8, 9], HISTORIES, WEIGHTS, strict=True)
    }
    assert sorted((user, target, weight) for user, target, weight, _, _ in result) == sorted(
        (user, item, weight) for user, of_user in pairs.items() for item, weight in of_user
    )
    for user, target, _, history, weight in result:
        others = [pair for pair in pairs[user] if pair[0] != target]
        assert sorted(zip(history, weight, strict=True)) == sorted(others)


def test_epoch_without_order_a_long_history_is_drawn_from_all_others() -> None:
    train = interactions_of([list(range(6))] * 300)
    settings = TwoTower(ordered_history=False, max_history=2, batch_size=1800, user_id_dropout=0.0)
    result = examples(Batches(train, CANDIDATES_OF_SIX, settings).epoch(1), CANDIDATES_OF_SIX)

    assert {len(history) for _, _, _, history, _ in result} == {2}
    drawn = np.zeros((6, 6))
    for _, target, _, history, _ in result:
        drawn[target, list(history)] += 1
    # Each of the five others is in two of five draws.
    assert np.all(np.diag(drawn) == 0)
    assert np.all(np.abs(drawn[~np.eye(6, dtype=bool)] / 300 - 0.4) < 0.12)


def test_epoch_last_batch_not_full_is_left_out() -> None:
    made = batches(batch_size=4)
    assert made.steps == 2
    assert len(examples(made.epoch(1))) == 8


def test_epoch_batch_larger_than_the_log_is_cut_to_it() -> None:
    made = batches(batch_size=1000)
    assert made.steps == 1
    assert len(examples(made.epoch(1))) == 11


def test_epoch_same_seed_and_number_gives_the_same_batches() -> None:
    assert examples(batches(seed=3).epoch(2)) == examples(batches(seed=3).epoch(2))


def test_epoch_another_number_or_seed_gives_another_order() -> None:
    first = examples(batches(seed=3).epoch(1))
    assert first != examples(batches(seed=3).epoch(2))
    assert first != examples(batches(seed=4).epoch(1))


def test_epoch_user_dropout_spares_examples_without_history() -> None:
    train = interactions_of([[0, 1, 2]] * 500)
    made = Batches(train, CANDIDATES, TwoTower(batch_size=1500, user_id_dropout=0.5))
    result = examples(made.epoch(1))
    alone = [user for user, _, _, history, _ in result if not history]
    others = [user for user, _, _, history, _ in result if history]

    assert sorted(alone) == list(range(500))
    assert 0.45 < np.mean(np.array(others) == -1) < 0.55


@pytest.mark.parametrize(("replicas", "sizes"), [(2, [2, 3]), (3, [1, 2, 2]), (7, [0, 1, 1, 0, 1, 1, 1])])
def test_epoch_for_several_replicas_shares_out_each_batchs_queries_and_gives_all_its_candidates(
    replicas: int, sizes: list[int]
) -> None:
    whole = list(batches(batch_size=5).epoch(1).as_numpy_iterator())
    sharded = batches(replicas, batch_size=5).epoch(1)
    assert int(sharded.cardinality()) == len(whole) * replicas
    shards = list(sharded.as_numpy_iterator())
    for n, batch in enumerate(whole):
        of_batch = shards[n * replicas : (n + 1) * replicas]
        assert [len(shard["user"]) for shard in of_batch] == sizes
        for name in ("user", "target", "weight"):
            np.testing.assert_array_equal(np.concatenate([shard[name] for shard in of_batch]), batch[name])
        for name in ("history", "history_weight"):
            rows = [row.tolist() for shard in of_batch for row in shard[name]]
            assert rows == [row.tolist() for row in batch[name]]
        for name in ("candidate", "candidate_place", "candidate_count", "total_weight"):
            for shard in of_batch:
                np.testing.assert_array_equal(shard[name], batch[name])
        assert batch["total_weight"] == pytest.approx(batch["weight"].sum())
