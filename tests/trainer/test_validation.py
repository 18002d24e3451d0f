"""Targets that are held out of the train split to choose by."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from configs.models.base import Validation
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.data import TrainingData
from trainer.popularity import popularity_shares
from trainer.validation import hold_out, share_held_out


def data_of(histories: Sequence[Sequence[int]], weights: Sequence[Sequence[float]] | None = None) -> TrainingData:
    """The data of users with these histories; the id of an item is its number."""
    items = max((item for history in histories for item in history), default=0) + 1
    train, candidates = interactions_of(histories, weights=weights), candidates_of(range(items))
    return TrainingData(
        interactions=train,
        held_out=interactions_of([]),
        candidates=candidates,
        popularity=popularity_shares(train.with_items(candidates.place), items),
        users=[b"u%d" % user for user in range(len(histories))],
        interacted_items=[b"%d" % item for item in range(items)],
        vocabularies={},
    )


def histories_of(data: TrainingData) -> list[list[int]]:
    split = data.interactions
    return [split.item[split.offset[n] : split.offset[n + 1]].tolist() for n in range(split.users)]


def targets_of(data: TrainingData) -> dict[int, list[bytes]]:
    """User to targets."""
    held = data.held_out
    return {
        int(user): held.target[held.target_offset[n] : held.target_offset[n + 1]].tolist()
        for n, user in enumerate(held.user)
    }


def test_hold_out_takes_the_newest_item_of_each_user_and_leaves_the_rest_in_order() -> None:
    found = hold_out(data_of([[3, 1, 2], [0, 4], [1]], [[1, 2, 3], [4, 5], [6]]), "newest", 10)

    assert found is not None
    assert targets_of(found) == {0: [b"2"], 1: [b"4"]}
    assert histories_of(found) == [[3, 1], [0], [1]]  # the third user has nothing to spare
    assert found.interactions.weight.tolist() == [1, 2, 4, 6]
    # A query is the history that is left, and the popularity does not know the targets.
    assert found.held_out.item.tolist() == [3, 1, 0]
    np.testing.assert_allclose(found.popularity, [0.25, 0.5, 0, 0.25, 0])


def test_hold_out_passes_over_users_whose_newest_item_is_not_new_to_them() -> None:
    found = hold_out(data_of([[1, 2, 1], [0, 1]]), "newest", 10)
    assert found is not None
    assert targets_of(found) == {1: [b"1"]}
    assert histories_of(found) == [[1, 2, 1], [0]]


def test_hold_out_is_cut_to_the_first_users_who_have_targets() -> None:
    found = hold_out(data_of([[1], [0, 1], [0, 2], [0, 3]]), "newest", 2)
    assert found is not None
    assert targets_of(found) == {1: [b"1"], 2: [b"2"]}
    assert histories_of(found) == [[1], [0], [0], [0, 3]]


def test_hold_out_without_order_takes_a_tenth_at_random_and_the_same_again() -> None:
    histories = [np.random.default_rng(user).permutation(50).tolist() for user in range(40)]
    found, again = hold_out(data_of(histories), "random", 100), hold_out(data_of(histories), "random", 100)

    assert found is not None
    assert again is not None
    assert targets_of(found) == targets_of(again)
    assert share_held_out(data_of(histories), found) == pytest.approx(0.1, abs=0.02)
    places = []
    for user, targets in targets_of(found).items():
        left = histories_of(found)[user]
        gone = [int(target) for target in targets]
        assert [item for item in histories[user] if item not in gone] == left
        places += [histories[user].index(item) for item in gone]
    assert 20 < np.mean(places) < 30  # from everywhere in the histories


@pytest.mark.parametrize("how", ["newest", "random"])
@pytest.mark.parametrize("histories", [[], [[]], [[0]], [[0, 0], [1]], [[0], [1], [2]]])
def test_hold_out_of_too_little_is_nothing(histories: list[list[int]], how: Validation) -> None:
    assert hold_out(data_of(histories), how, 10) is None


def timed(histories: Sequence[Sequence[int]], times: Sequence[int]) -> TrainingData:
    data = data_of(histories)
    return dataclasses.replace(data, interactions=dataclasses.replace(data.interactions, timestamp=np.array(times)))


def test_hold_out_by_time_takes_the_newest_tenth_of_all_interactions() -> None:
    found = hold_out(timed([range(10), range(9), [2, 3]], [*range(10), *range(1, 10), 50, 51]), "time", 10)
    assert found is not None
    assert histories_of(found) == [[*range(10)], [*range(9)], []]
    assert targets_of(found) == {-1: [b"2", b"3"]}  # asked for as a new user: nothing is left of the history
    assert found.interactions.timestamp is not None and found.interactions.timestamp.max() == 9


def test_hold_out_by_time_leaves_together_what_is_of_one_moment() -> None:
    found = hold_out(timed([range(6), [5, 1]], [1, 2, 3, 9, 9, 9, 1, 2]), "time", 10)
    assert found is not None
    assert histories_of(found) == [[0, 1, 2], [5, 1]]
    assert targets_of(found) == {0: [b"3", b"4", b"5"]}


def test_hold_out_by_time_without_times_is_that_of_the_newest() -> None:
    by_time, newest = (hold_out(data_of([[3, 1, 2], [0, 4]]), how, 10) for how in ("time", "newest"))
    assert by_time is not None and newest is not None
    assert targets_of(by_time) == targets_of(newest)


def test_share_held_out_is_that_of_the_interactions() -> None:
    data = data_of([[0, 1, 2], [0, 1, 2, 3, 4]])
    found = hold_out(data, "newest", 10)
    assert found is not None
    assert share_held_out(data, found) == pytest.approx(2 / 8)
