import numpy as np
from scipy import sparse

from tests.trainer.models.item_item.dense import cut, listed
from trainer.models.item_item.neighbours import nearest, stacked


def test_nearest_of_rows_with_ties_keeps_the_largest_and_then_the_first():
    rng = np.random.default_rng(3)
    table = rng.integers(-2, 4, (40, 25)).astype(np.float32)  # few values, so that most ties are at the cut
    assert listed(nearest(sparse.csr_matrix(table), 7)) == cut(table, 7)


def test_nearest_of_a_row_with_fewer_neighbours_pads_with_zeros():
    found = nearest(sparse.csr_matrix([[0, 0.5, 0, 0], [0, 0, 0, 0]]), 3)
    np.testing.assert_array_equal(found.item, [[1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found.weight, np.array([[0.5, 0, 0], [0, 0, 0]], np.float32))
    assert [str(array.dtype) for array in (found.item, found.weight)] == ["int32", "float32"]


def test_nearest_of_unsorted_indices_orders_ties_by_number():
    block = sparse.csr_matrix((np.ones(3), np.array([4, 0, 2]), np.array([0, 3])), shape=(1, 5))
    np.testing.assert_array_equal(nearest(block, 2).item, [[0, 2]])


def test_nearest_of_sums_that_differ_in_the_last_bits_are_ties():
    block = sparse.csr_matrix([[0.3, 0.1 + 0.2, 0.3]])
    assert block[0, 1] > block[0, 0]
    np.testing.assert_array_equal(nearest(block, 3).item, [[0, 1, 2]])


def test_stacked_keeps_the_order_of_blocks():
    parts = [nearest(sparse.csr_matrix(np.eye(3)[rows] * (rows + 1)), 1) for rows in (0, 2)]
    np.testing.assert_array_equal(stacked(parts).weight, [[1], [3]])
