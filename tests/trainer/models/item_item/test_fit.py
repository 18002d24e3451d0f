import numpy as np
import pytest
import tensorflow as tf

from common.errors import TrainingError
from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import cosine_of, matrix_of
from tests.trainer.worlds import candidates_of, interactions_of, random_histories
from trainer.models.item_item.fit import counted
from trainer.popularity import popularity_shares

# Rows in another order than places; places 2 and 5 are cold.
ROWS = [3, 0, -1, 4, 1, -1, 2]
METHODS = ("cosine", "directed", "ease")


def _fit(settings, log=None, rows=ROWS, is_ordered=True, seed=0):
    candidates = candidates_of(rows)
    log = random_histories(60, candidates.place.size, seed=1) if log is None else log
    popularity = popularity_shares(log.with_items(candidates.place), candidates.items)
    settings = settings.model_copy(update={"ordered_history": is_ordered, "seed": seed})
    return counted(log, candidates, popularity, settings)


def _scores(model, histories):
    history = tf.ragged.constant(histories, tf.int32, ragged_rank=1)
    found, is_known = model.scores(tf.zeros([len(histories)], tf.int64), history, tf.ones_like(history, tf.float32))
    return _without_rest(found, is_known)


def _without_rest(scores, is_known):
    """Zero in place of the tiny scores of items that are no neighbours."""
    scores = np.where((np.abs(scores) < 1e-9) | (scores == -np.inf), 0, scores)
    np.testing.assert_array_equal(is_known, scores.any(axis=1))
    return scores


def test_fitted_cosine_of_shuffled_places_is_that_of_the_log():
    log = random_histories(60, 5, seed=1)
    model = _fit(ItemItem(method="cosine", shrinkage=0, activity_exponent=0), log)
    cosine = cosine_of(matrix_of(log, 5, weighs=False))
    expected = [[0 if row < 0 else cosine[asked, row] for row in ROWS] for asked in range(5)]
    np.testing.assert_allclose(_scores(model, [[row] for row in range(5)]), expected, rtol=1e-6)
    similar = _without_rest(*model.similar(tf.range(7, dtype=tf.int64)))
    np.testing.assert_allclose(similar, [[0] * 7 if row < 0 else expected[row] for row in ROWS], rtol=1e-6)


def test_fitted_directed_table_follows_the_order_and_not_the_reverse():
    model = _fit(ItemItem(method="directed"), interactions_of([[0, 1, 2, 3, 4]] * 3))
    scores = _scores(model, [[0], [4]])
    assert (scores[0] > 0).tolist() == [row > 0 for row in ROWS]
    assert not scores[1].any()


def test_neighbours_that_tie_are_kept_by_place():
    # Row 0 was met with each other row once: all tie. Row 3 is at place 0 and row 4 at place 3.
    log = interactions_of([[0, row] for row in (1, 2, 3, 4)])
    scores = _scores(_fit(ItemItem(method="cosine", neighbours=2), log), [[0]])
    assert np.flatnonzero(scores[0]).tolist() == [0, 3]


@pytest.mark.parametrize("method", METHODS)
def test_fit_leaves_nothing_for_cold_items_and_empty_histories(method):
    scores = _scores(_fit(ItemItem(method=method)), [[0, 1], []])
    assert scores[0].any() and not scores[1].any() and not scores[:, [2, 5]].any()


@pytest.mark.parametrize("method", METHODS)
def test_fit_twice_with_one_seed_is_equal(method):
    one, other = (_fit(ItemItem(method=method, threshold=0.9), seed=3) for _ in range(2))
    for first, second in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


@pytest.mark.parametrize("method", METHODS)
def test_fit_on_one_user_and_on_one_item_works(method):
    assert _scores(_fit(ItemItem(method=method), interactions_of([[0, 1, 2, 3, 4]])), [[0]]).any()
    assert not _scores(_fit(ItemItem(method=method), interactions_of([[0, 0]]), rows=[0]), [[0]]).any()


def test_event_weights_of_a_history_count_only_if_they_are_to():
    log = random_histories(60, 5, seed=1)
    history = tf.ragged.constant([[0, 1], [0, 1]], tf.int32, ragged_rank=1)
    weight = tf.ragged.constant([[6.0, 0.5], [0.5, 6.0]], tf.float32, ragged_rank=1)
    for method in METHODS:
        for weighs in (False, True):
            settings = ItemItem.model_validate({"method": method, "use_event_weights": weighs, "history_decay": 1})
            model = _fit(settings, log)
            one, other = model.scores(tf.zeros([2], tf.int64), history, weight)[0].numpy()
            assert np.allclose(one, other) is not weighs


def test_cosine_recommends_an_item_because_of_those_nearest_to_it():
    # Item 4 was met with each other item, and by more users than they; it is nearest to item 0 alone.
    log = interactions_of([*[[0, 4]] * 4, *[[1, 4], [1, 2], [1, 2]] * 2, *[[3, 4], [3, 2], [3, 2]] * 2])
    settings = ItemItem(method="cosine", neighbours=1, shrinkage=0)
    scores = _scores(_fit(settings, log, rows=range(5)), [[0], [1], [3]])
    assert scores[0, 4] > 0 and not scores[1:, 4].any()


def test_order_counts_only_where_it_has_a_meaning():
    log = random_histories(60, 5, seed=1)
    settings = ItemItem(method="cosine", history_decay=0.5)
    ordered, unordered = (_fit(settings, log, is_ordered=is_ordered) for is_ordered in (True, False))
    both = [[0, 1], [1, 0]]
    one, reverse = _scores(ordered, both)
    assert not np.allclose(one, reverse)
    one, reverse = _scores(unordered, both)
    np.testing.assert_allclose(one, reverse, rtol=1e-6)


def test_directed_without_an_order_is_an_error_that_says_what_to_set():
    with pytest.raises(TrainingError, match=r"order of this log has no meaning.*Set trainer.method: cosine or ease"):
        _fit(ItemItem(method="directed"), is_ordered=False)


def test_default_method_follows_the_log():
    log = interactions_of([[0, 1, 2, 3, 4]])
    ordered, small, large = (
        _scores(_fit(ItemItem(max_items=most), log, is_ordered=is_ordered), [[4]])[0]
        for most, is_ordered in ((9, True), (9, False), (2, False))
    )
    assert not ordered.any()  # nothing came after the last
    ease, cosine = (_scores(_fit(ItemItem(method=m), log, is_ordered=False), [[4]])[0] for m in ("ease", "cosine"))
    np.testing.assert_array_equal(small, ease)
    np.testing.assert_array_equal(large, cosine)
    assert not np.allclose(ease, cosine)
