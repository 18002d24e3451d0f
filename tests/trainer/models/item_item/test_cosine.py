import numpy as np
import pytest

from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import cosine_of, cut, listed, matrix_of, table_of
from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.item_item.cosine import cosine_neighbours


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shrinkage", [0, 10])
@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize("exponent", [0, 0.5])
def test_exact_cosine_of_a_random_log_is_that_of_loops(seed, shrinkage, weighs, exponent):
    log = random_histories(60, 14, seed)
    settings = ItemItem(shrinkage=shrinkage, use_event_weights=weighs, activity_exponent=exponent)
    found = cosine_neighbours(log, 17, 17, settings, seed=0)
    met = matrix_of(log, 17, weighs)
    met *= np.maximum((met > 0).sum(axis=1, keepdims=True), 1) ** (-exponent / 2)
    np.testing.assert_allclose(table_of(found, 17), cosine_of(met, shrinkage), rtol=1e-6)


def test_active_users_count_less_for_what_is_alike():
    # One user met everything; of the others, each met item 0 and another item.
    log = interactions_of([list(range(10)), [0, 1], [0, 2]])
    plain, damped = (
        table_of(cosine_neighbours(log, 10, 10, ItemItem(shrinkage=0, activity_exponent=e), seed=0), 10) for e in (0, 1)
    )
    assert damped[0, 1] / damped[0, 5] > plain[0, 1] / plain[0, 5]


def test_cosine_cut_to_a_width_keeps_the_nearest():
    log = random_histories(60, 14, seed=2)
    expected = cut(cosine_of(matrix_of(log, 14, weighs=False)).astype(np.float32), 4)
    found = listed(cosine_neighbours(log, 14, 4, ItemItem(shrinkage=0, activity_exponent=0), seed=0))
    assert [[item for item, _ in row] for row in found] == [[item for item, _ in row] for row in expected]


def test_cosine_of_items_with_the_same_users_is_one_and_no_item_is_its_own_neighbour():
    found = cosine_neighbours(
        interactions_of([[0, 1], [0, 1], [2]]), 3, 3, ItemItem(shrinkage=0, activity_exponent=0), seed=0
    )
    np.testing.assert_allclose(table_of(found, 3), [[0, 1, 0], [1, 0, 0], [0, 0, 0]], rtol=1e-6)


def test_shrinkage_ranks_a_pair_seen_once_below_a_pair_seen_often():
    log = interactions_of([[0, 1], *[[0, 2]] * 5, *[[2]] * 2])
    exact = cosine_neighbours(log, 3, 1, ItemItem(shrinkage=0, activity_exponent=0), seed=0)
    once = interactions_of([[0, 1], *[[1, 2]] * 9, *[[2]] * 4])
    assert exact.item[0, 0] == 2
    # Item 0 has one user, who met item 1 too; item 2's users met item 1 nine times.
    plain, shrunk = (
        cosine_neighbours(once, 3, 1, ItemItem(shrinkage=s, activity_exponent=0), seed=0).weight[:, 0] for s in (0, 10)
    )
    assert shrunk[0] / plain[0] < shrunk[2] / plain[2]


def test_dimsum_of_a_log_that_is_too_small_to_be_thinned_is_exact():
    log = random_histories(60, 14, seed=6)
    exact, thinned = (cosine_neighbours(log, 14, 5, ItemItem(threshold=threshold), seed=0) for threshold in (0, 0.1))
    np.testing.assert_array_equal(exact.item, thinned.item)
    np.testing.assert_array_equal(exact.weight, thinned.weight)
