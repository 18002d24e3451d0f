"""The served item-item model against loops over its table, before and after it is saved."""

import numpy as np
import pytest
import tensorflow as tf

from serving_signatures.ranking import best_places
from trainer.models.item_item import served
from trainer.models.item_item.neighbours import Neighbours
from trainer.models.item_item.served import ItemItemModel

# Six items in the catalogue; the rows 0 to 3 are at places 4, 0, 5 and 2, and places 1 and 3 are cold.
ROW = np.array([1, -1, 3, -1, 0, 2], np.int32)
NEIGHBOURS = Neighbours(
    item=np.array([[0, 5], [4, 0], [2, 4], [5, 0]], np.int32),
    weight=np.array([[0.5, 0.25], [0.75, 0], [0.5, 0.125], [1, 0]], np.float32),
)
HISTORIES = [[0, 1, 2, 3], [], [2], [3, 3, 0, 1, 2]]
WEIGHTS = [[6.0, 0.5, 2.0, 1.0], [], [0.5], [1.0, 2.0, 6.0, 0.5, 2.0]]
DECAY, NEWEST = 0.5, 3


@pytest.fixture
def model():
    return made(np.zeros(6, np.float32))


def made(popularity):
    return ItemItemModel(NEIGHBOURS, ROW, popularity, max_history=NEWEST, history_decay=DECAY)


def _expected(histories, weights):
    scores = np.zeros((len(histories), 6))
    for query, (history, weight) in enumerate(zip(histories, weights, strict=True)):
        newest = list(zip(history, weight, strict=True))[-NEWEST:]
        share = np.array([w * DECAY ** (len(newest) - 1 - n) for n, (_, w) in enumerate(newest)])
        for (row, _), part in zip(newest, share / share.sum() if newest else [], strict=True):
            for place, near in zip(NEIGHBOURS.item[row], NEIGHBOURS.weight[row], strict=True):
                scores[query, place] += part * near
    return scores


def _ask(model, histories, weights, dtype=tf.int32):
    history = tf.ragged.constant(histories, dtype=dtype, ragged_rank=1)
    weight = tf.ragged.constant(weights, dtype=tf.float32, ragged_rank=1)
    scores, is_known = model.scores(tf.fill([len(histories)], tf.constant(-1, tf.int64)), history, weight)
    np.testing.assert_array_equal(is_known, scores.numpy().any(axis=1))
    return scores.numpy()


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
@pytest.mark.parametrize("cells", [1, 6, 1 << 22])
def test_scores_are_the_decayed_mean_of_the_table(model, dtype, cells, monkeypatch):
    monkeypatch.setattr(served, "_CELLS", cells)
    scores = _ask(model, HISTORIES, WEIGHTS, dtype)
    np.testing.assert_allclose(scores, _expected(HISTORIES, WEIGHTS), rtol=1e-6)
    assert scores.dtype == np.float32


def test_scores_of_an_empty_history_and_of_cold_items_are_zero(model):
    scores = _ask(model, HISTORIES, WEIGHTS)
    assert not scores[1].any() and scores[[0, 2, 3]].any(axis=1).all()
    assert not scores[:, [1, 3]].any()


@pytest.mark.parametrize("histories", [[], [[], []]])
def test_scores_of_nothing_at_all_have_their_shape(model, histories):
    np.testing.assert_array_equal(_ask(model, histories, histories), np.zeros((len(histories), 6)))


@pytest.mark.parametrize("scale", [1e-30, 3.0, 4e37])
def test_scores_do_not_change_with_the_scale_of_weights(model, scale):
    scaled = [[weight * scale for weight in weights] for weights in WEIGHTS]
    np.testing.assert_allclose(_ask(model, HISTORIES, scaled), _ask(model, HISTORIES, WEIGHTS), rtol=1e-6)


def test_scores_do_not_change_with_the_user_nor_with_the_rest_of_the_batch(model):
    history, weight = tf.ragged.constant(HISTORIES), tf.ragged.constant(WEIGHTS)
    known, _ = model.scores(tf.range(4, dtype=tf.int64), history, weight)
    np.testing.assert_array_equal(known, _ask(model, HISTORIES, WEIGHTS))
    alone = [_ask(model, [h], [w])[0] for h, w in zip(HISTORIES, WEIGHTS, strict=True) if h]
    np.testing.assert_array_equal(np.asarray(known)[[0, 2, 3]], alone)


def test_ranking_beyond_the_catalogue_lists_each_item_once(model):
    nothing = tf.zeros([0], tf.int64)
    place, _ = best_places(tf.constant(_ask(model, HISTORIES, WEIGHTS)), nothing, nothing, 50)
    np.testing.assert_array_equal(np.sort(place, axis=1), [list(range(6))] * 4)


def test_similar_is_the_row_of_the_place_and_zero_for_a_cold_item(model):
    similar, is_known = model.similar(tf.constant([4, 1, 0, 2], tf.int64))
    expected = [[0.5, 0, 0, 0, 0, 0.25], [0] * 6, [0, 0, 0, 0, 0.75, 0], [0, 0, 0, 0, 0, 1]]
    np.testing.assert_array_equal(similar, np.array(expected, np.float32))
    assert is_known.numpy().tolist() == [True, False, True, True]
    assert model.similar(tf.zeros([0], tf.int64))[0].shape == (0, 6)


def test_items_that_are_no_neighbours_follow_by_popularity():
    popularity = np.array([0.1, 0.2, 0.05, 0.3, 0.15, 0.2], np.float32)
    scores = _ask(made(popularity), [[0]], [[1.0]])[0]
    assert np.argsort(-scores, kind="stable").tolist() == [0, 5, 3, 1, 4, 2]
    assert (scores[1:5] < 1e-9).all()


def test_contributions_of_a_history_add_up_to_the_score(model):
    history, weight = tf.ragged.constant(HISTORIES), tf.ragged.constant(WEIGHTS)
    scores = _expected(HISTORIES, WEIGHTS)
    for place in range(6):
        parts = model.contributions(history, weight, tf.fill([4], tf.constant(place, tf.int64)))
        assert parts.row_lengths().numpy().tolist() == [4, 0, 1, 5]
        np.testing.assert_allclose(tf.reduce_sum(parts, axis=1), scores[:, place], rtol=1e-6)


def test_contributions_name_the_items_that_a_score_comes_from(model):
    history, weight = tf.ragged.constant([[0, 1, 2, 3]]), tf.ragged.constant([[1.0, 1.0, 1.0, 1.0]])
    parts = model.contributions(history, weight, tf.constant([4], tf.int64)).to_list()
    # The oldest is beyond the newest three; of these, with the shares 1/7, 2/7 and 4/7, the first two lead to place 4.
    np.testing.assert_allclose(parts, [[0, 0.75 / 7, 0.125 * 2 / 7, 0]], rtol=1e-6)


def test_table_is_in_variables_that_are_not_trained(model):
    assert not model.trainable_variables
    assert {variable.shape.rank for variable in model.variables} == {1, 2}


def test_saved_model_answers_as_before(model, tmp_path):
    ragged = [tf.RaggedTensorSpec([None, None], dtype, 1, tf.int64) for dtype in (tf.int32, tf.float32)]
    model.asked = tf.function(model.scores, input_signature=[tf.TensorSpec([None], tf.int64), *ragged])
    model.near = tf.function(model.similar, input_signature=[tf.TensorSpec([None], tf.int64)])
    tf.saved_model.save(model, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    history = tf.ragged.constant(HISTORIES, tf.int32, row_splits_dtype=tf.int64)
    weight = tf.ragged.constant(WEIGHTS, tf.float32, row_splits_dtype=tf.int64)
    asked = loaded.asked(tf.fill([4], tf.constant(-1, tf.int64)), history, weight)
    np.testing.assert_array_equal(asked[0], _ask(model, HISTORIES, WEIGHTS))
    places = tf.range(6, dtype=tf.int64)
    for loaded_one, one in zip(loaded.near(places), model.similar(places), strict=True):
        np.testing.assert_array_equal(loaded_one, one)
