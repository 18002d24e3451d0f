"""The confidences of users in items."""

import numpy as np

from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.ials.entries import entries_of

ITEMS = 30


def test_entries_of_weights_only_ratios_within_a_user_count():
    entries = entries_of(interactions_of([[0, 1, -1, 2], [3, 3]], weights=[[1, 2, 9, 3], [6, 6]]))
    np.testing.assert_allclose(entries.confidence, [0.5, 1.0, 1.5, 1.0, 1.0])
    np.testing.assert_array_equal(entries.column, [0, 1, 2, 3, 3])
    np.testing.assert_allclose(entries.mass, [3, 2])


def test_transposed_twice_is_the_same_matrix():
    histories = random_histories(40, ITEMS, seed=3)
    entries = entries_of(histories)
    twice = entries.transposed(ITEMS).transposed(entries.rows)
    np.testing.assert_array_equal(twice.offset, entries.offset)
    for row in range(entries.rows):
        part = slice(entries.offset[row], entries.offset[row + 1])
        mine = sorted(zip(entries.column[part].tolist(), entries.confidence[part].tolist(), strict=True))
        assert mine == sorted(zip(twice.column[part].tolist(), twice.confidence[part].tolist(), strict=True))
