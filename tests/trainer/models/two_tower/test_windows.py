"""The input pipeline of rows of interactions against a plain loop over each row."""

import itertools
from typing import Any

import numpy as np
import pytest

from configs.models.two_tower import TwoTower
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.models.two_tower.windows import Windows

HISTORIES = [[0, 1, 2, 3, 4], [3, 1, 3, 0, 3], [2], [4, 2, 0]]
USERS = [7, 8, 9, 5]
WEIGHTS = [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], [11.0], [12.0, 13.0, 14.0]]
CANDIDATES = candidates_of([4, -1, 3, 2, 1, 0])


def windows(replicas: int = 1, **settings: Any) -> Windows:
    train = interactions_of(HISTORIES, users=USERS, weights=WEIGHTS)
    chosen = {"query": "attention", "batch_size": 8, "max_history": 2, "user_id_dropout": 0.0, **settings}
    return Windows(train, CANDIDATES, TwoTower(**chosen), replicas)


def batches(made: Windows, epoch: int = 1) -> list[dict[str, Any]]:
    return list(made.epoch(epoch).as_numpy_iterator())


def parts(batch: dict[str, Any]) -> list[tuple[int, slice]]:
    """The row and the places of each window."""
    found = []
    for n, row in enumerate(batch["window"]):
        starts = [0, *(np.flatnonzero(np.diff(row)) + 1), len(row)]
        found += [(n, slice(start, end)) for start, end in itertools.pairwise(starts)]
    return found


def test_epoch_rows_are_twice_as_long_as_a_history_and_hold_parts_of_histories_in_order() -> None:
    made = windows()
    assert (made.steps, made.examples, made.interactions) == (1, 8, 8)
    of_user = dict(zip(USERS, zip(HISTORIES, WEIGHTS, strict=True), strict=True))
    for epoch in range(1, 6):
        [batch] = batches(made, epoch)
        assert batch["item"].shape == (2, 4)
        for row, places in parts(batch):
            users = set(batch["user"][row, places])
            assert len(users) == 1
            history, weights = of_user[users.pop()]
            pairs = list(zip(history, weights, strict=True))
            found = list(zip(batch["item"][row, places], batch["item_weight"][row, places], strict=True))
            assert found in [pairs[n : n + len(found)] for n in range(len(pairs))]


def test_epoch_every_interaction_is_in_one_row() -> None:
    # Fourteen interactions in one row.
    [batch] = batches(windows(batch_size=100, max_history=7))
    expected = [
        (user, item, weight)
        for user, history, weights in zip(USERS, HISTORIES, WEIGHTS, strict=True)
        for item, weight in zip(history, weights, strict=True)
    ]
    found = zip(batch["user"][0], batch["item"][0], batch["item_weight"][0], strict=True)
    assert sorted(found) == sorted(expected)


def test_epoch_items_of_a_window_are_no_negatives_for_each_other() -> None:
    [batch] = batches(windows(batch_size=100, max_history=7))
    for row, places in parts(batch):
        items = set(batch["item"][row, places])
        for place in range(places.start, places.stop):
            out = batch["excluded"][row, place]
            assert {batch["candidate"][index] for index in out if index >= 0} == items
            assert batch["candidate"][batch["target"][row, place]] == batch["item"][row, place]


def test_epoch_target_that_is_in_its_own_history_has_no_weight() -> None:
    [batch] = batches(windows(batch_size=100, max_history=7))
    [(row, places)] = [(row, places) for row, places in parts(batch) if batch["user"][row, places.start] == 8]
    np.testing.assert_array_equal(batch["weight"][row, places], [6.0, 7.0, 0.0, 9.0, 0.0])
    assert batch["total_weight"] == pytest.approx(batch["weight"].sum())


def test_epoch_user_dropout_spares_examples_without_history() -> None:
    train = interactions_of([[0, 1, 2]] * 500)
    made = Windows(train, CANDIDATES, TwoTower(query="attention", batch_size=1500, user_id_dropout=0.5, max_history=30))
    [batch] = batches(made)
    first = np.zeros(batch["window"].shape, bool)
    for row, places in parts(batch):
        first[row, places.start] = True
    assert (batch["user"][first] >= 0).all()
    assert 0.45 < np.mean(batch["user"][~first] == -1) < 0.55


def test_epoch_same_seed_and_number_gives_the_same_batches_another_gives_others() -> None:
    def items(seed: int, epoch: int) -> list[Any]:
        made = windows(seed=seed, uniform_negatives=5, batch_size=4)
        return [
            [batch["item"].tolist(), batch["candidate"].tolist(), batch["seed"].tolist()]
            for batch in batches(made, epoch)
        ]

    assert items(3, 2) == items(3, 2)
    assert items(3, 2) != items(3, 1)
    assert items(3, 2) != items(4, 2)


@pytest.mark.parametrize("settings", [{"batch_size": 2}, {"batch_size": 3, "max_history": 50}, {"max_history": 1}])
def test_epoch_of_small_batches_and_logs_has_batches(settings: dict[str, int]) -> None:
    made = windows(**settings)
    assert made.steps * made.examples == made.interactions <= 14
    assert len(batches(made)) == made.steps > 0


def test_epoch_for_two_replicas_shares_out_each_batchs_rows_and_gives_all_its_candidates() -> None:
    settings = {"batch_size": 12, "max_history": 2, "uniform_negatives": 3}
    [batch] = batches(windows(**settings))
    shards = batches(windows(2, **settings))
    assert [len(shard["item"]) for shard in shards] == [1, 2]
    for name, values in batch.items():
        if name in ("candidate", "negatives", "candidate_count", "candidate_place", "total_weight"):
            for shard in shards:
                np.testing.assert_array_equal(shard[name], values, err_msg=name)
        else:
            np.testing.assert_array_equal(np.concatenate([shard[name] for shard in shards]), values, err_msg=name)
