import numpy as np
import pytest

from tests.trainer.models.item_item.dense import matrix_of
from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.item_item.counting import columns, product_blocks, user_items


def test_user_items_with_repeats_and_unknown_items_adds_up_and_leaves_out():
    log = interactions_of([[0, 2, 0], [], [-1, 1]], weights=[[0.5, 2, 6], [], [6, 2]])
    met = np.array([[6.5, 0, 2, 0], [0, 0, 0, 0], [0, 2, 0, 0]])
    np.testing.assert_array_equal(user_items(log, 4, weighs=True).toarray(), met)
    np.testing.assert_array_equal(user_items(log, 4, weighs=False).toarray(), met > 0)


def test_columns_of_two_shards_add_up_to_those_of_the_whole():
    log = random_histories(50, 12, seed=4)
    met = matrix_of(log, 15)
    parts = [log.take(np.arange(20)), log.take(np.arange(20, 50))]
    known = columns(user_items(parts[0], 15, True)) + columns(user_items(parts[1], 15, True))
    np.testing.assert_array_equal(known.squares, (met**2).sum(axis=0))
    np.testing.assert_array_equal(known.users, (met > 0).sum(axis=0))
    assert known.largest == met.max()
    np.testing.assert_allclose(known.norm, np.linalg.norm(met, axis=0))


def test_columns_without_interactions_are_zero():
    known = columns(user_items(interactions_of([[], []]), 3, True))
    assert not known.squares.any() and not known.users.any() and known.largest == 0


@pytest.mark.parametrize("values", [1, 30, 10_000])
def test_product_blocks_of_any_size_are_the_whole_product(values):
    log = random_histories(40, 12, seed=5)
    met = matrix_of(log, 15)
    blocks = list(product_blocks(user_items(log, 15, True), values))
    assert [part.start for part, _ in blocks] + [15] == [0] + [part.stop for part, _ in blocks]
    assert all(products.nnz <= values or part.stop - part.start == 1 for part, products in blocks)
    np.testing.assert_array_equal(np.vstack([products.toarray() for _, products in blocks]), met.T @ met)
