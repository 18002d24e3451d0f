import numpy as np
import pytest

from common.errors import TrainingError
from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import matrix_of, table_of
from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.item_item import ease
from trainer.models.item_item.ease import ease_neighbours


def _ridge(met, regularisation):
    """Each item's own ridge regression on all other items: what EASE's closed form solves at once."""
    items = met.shape[1]
    weights = np.zeros((items, items))
    for item in range(items):
        others = np.delete(np.arange(items), item)
        rows = np.vstack([met[:, others], np.sqrt(regularisation) * np.eye(items - 1)])
        wanted = np.concatenate([met[:, item], np.zeros(items - 1)])
        weights[others, item] = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return weights


def _length(met):
    """The mean number of items of a user who has any."""
    return met.sum() / np.count_nonzero(met.any(axis=1))


@pytest.mark.parametrize("rows", [4, 5, 1024])
def test_weights_are_those_of_a_ridge_regression_of_each_item(rows, monkeypatch):
    monkeypatch.setattr(ease, "_ROWS", rows)  # blocks that divide the items, and such that do not
    log = random_histories(80, 13, seed=3)
    met = (matrix_of(log, 16) > 0).astype(float)
    expected = _ridge(met, 7.0)
    assert (expected < -1e-3).any()
    found = table_of(ease_neighbours(log, 16, 16, ItemItem(regularisation=7 / _length(met), activity_exponent=0)), 16)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_are_the_closed_form_with_a_zero_diagonal():
    log = random_histories(80, 13, seed=4)
    met = (matrix_of(log, 13) > 0).astype(float)
    inverse = np.linalg.inv(met.T @ met + 20 * np.eye(13))
    closed = np.eye(13) - inverse / np.diag(inverse)
    np.testing.assert_allclose(np.diag(closed), 0, atol=1e-12)
    found = table_of(ease_neighbours(log, 13, 13, ItemItem(regularisation=20 / _length(met), activity_exponent=0)), 13)
    np.testing.assert_allclose(found, closed, atol=1e-6)
    assert not np.diag(found).any()


def test_active_users_count_less_and_the_regularisation_means_the_same():
    log = random_histories(80, 13, seed=4)
    met = (matrix_of(log, 13) > 0).astype(float)
    factor = np.maximum(met.sum(axis=1), 1) ** -0.5
    factor *= met.sum() / (factor @ met.sum(axis=1))
    inverse = np.linalg.inv(met.T @ (factor[:, np.newaxis] * met) + 20 * np.eye(13))
    settings = ItemItem(regularisation=20 / _length(met), activity_exponent=0.5)
    found = table_of(ease_neighbours(log, 13, 13, settings), 13)
    np.testing.assert_allclose(found, np.eye(13) - inverse / np.diag(inverse), atol=1e-6)


def test_weights_do_not_change_with_the_weights_of_events():
    histories = [[0, 1, 2], [0, 1], [1, 2, 0], [2]]
    plain = ease_neighbours(interactions_of(histories), 3, 3, ItemItem())
    log = interactions_of(histories, weights=[[6.0] * len(history) for history in histories])
    np.testing.assert_array_equal(ease_neighbours(log, 3, 3, ItemItem()).weight, plain.weight)


def test_more_items_than_allowed_is_an_error_that_says_what_to_set():
    log = interactions_of([[0, 1, 2]])
    with pytest.raises(
        TrainingError, match=r"3 x 3 items, and max_items is 2\. Set trainer.method: directed or cosine"
    ):
        ease_neighbours(log, 3, 3, ItemItem(max_items=2))


def test_regularisation_that_is_too_small_is_an_error():
    log = interactions_of([[0, 1]] * 9)
    with pytest.raises(TrainingError, match="regularisation 1e-300, which is too small"):
        ease_neighbours(log, 2, 2, ItemItem(regularisation=1e-300))
