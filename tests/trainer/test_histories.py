"""Histories in memory: chosen users, other indices, the newest interactions."""

import numpy as np

from tests.trainer.worlds import interactions_of
from trainer.histories import hash_order

HISTORIES = interactions_of([[0, 1, -1], [], [2, -1, 0, 1]], weights=[[1.0, 2.0, 3.0], [], [4.0, 5.0, 6.0, 7.0]])


def test_histories_length_and_row_of_each() -> None:
    assert HISTORIES.length.tolist() == [3, 0, 4]
    assert HISTORIES.row.tolist() == [0, 0, 0, 2, 2, 2, 2]


def test_histories_with_items_of_another_index_keeps_those_outside_outside() -> None:
    assert HISTORIES.with_items(np.array([7, -1, 5])).item.tolist() == [7, -1, -1, 5, -1, 7, -1]
    assert HISTORIES.item.tolist() == [0, 1, -1, 2, -1, 0, 1]


def test_histories_inside_are_the_newest_of_the_chosen_with_a_known_item() -> None:
    row, item, weight = HISTORIES.inside(np.array([2, 0]))
    assert (row.tolist(), item.tolist(), weight.tolist()) == ([0, 0, 0, 1, 1], [2, 0, 1, 0, 1], [4, 6, 7, 1, 2])
    row, item, weight = HISTORIES.inside(np.array([2, 1, 0]), newest=2)
    assert (row.tolist(), item.tolist(), weight.tolist()) == ([0, 0, 2], [0, 1, 1], [6, 7, 2])


def test_histories_take_keeps_history_weight_and_targets_together() -> None:
    split = interactions_of([[0], [1, 2]], [["a"], ["b", "c"]], weights=[[1.0], [2.0, 3.0]])
    taken = split.take(hash_order(np.array([9, 4])))
    assert taken.user.tolist() == [1, 0]
    assert (taken.item.tolist(), taken.weight.tolist()) == ([1, 2, 0], [2, 3, 1])
    assert (taken.target.tolist(), taken.target_offset.tolist()) == ([b"b", b"c", b"a"], [0, 2, 3])
