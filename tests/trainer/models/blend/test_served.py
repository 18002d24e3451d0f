"""The served blend against NumPy, of parts that do not know everybody."""

import numpy as np
import pytest
import tensorflow as tf

from serving_signatures.served_model import ServedModel
from trainer.models.blend.served import ServedBlend, standardised


class Table(ServedModel):
    """Knows a row of scores for each user and each place, or nothing: a row of NaN."""

    def __init__(self, rows):
        super().__init__(name="table")
        self._rows = tf.Variable(rows, dtype=tf.float32, trainable=False)

    def scores(self, user, history, weight):
        return self.similar(user)

    def similar(self, place):
        found = tf.gather(self._rows, place)
        return found, tf.logical_not(tf.reduce_any(tf.math.is_nan(found), axis=1))


UNKNOWN = [np.nan] * 4
FIRST = np.array([[0.1, 0.2, 0.4, 0.3], UNKNOWN, [1, 1, 1, 1], UNKNOWN])
SECOND = np.array([[300, 100, 0, 0], [0, 0, 5, 1], [4, 3, 2, 1], UNKNOWN])


def ask(blend):
    nothing = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), [0] * 4)
    scores, is_known = blend.scores(tf.range(4, dtype=tf.int64), nothing, tf.cast(nothing, tf.float32))
    return scores.numpy(), is_known.numpy()


def z(row):
    return (row - np.mean(row)) / np.std(row)


@pytest.mark.parametrize("weights", [(0.25, 0.75), (0.9, 0.1)])
def test_scores_are_the_weighted_sum_over_the_parts_that_know_the_row(weights):
    scores, is_known = ask(ServedBlend([Table(FIRST), Table(SECOND)], weights))
    np.testing.assert_allclose(scores[0], weights[0] * z(FIRST[0]) + weights[1] * z(SECOND[0]), rtol=1e-5)
    np.testing.assert_allclose(scores[1], weights[1] * z(SECOND[1]), rtol=1e-5)
    np.testing.assert_allclose(scores[2], weights[1] * z(SECOND[2]), rtol=1e-5)  # a part without a preference says 0
    assert is_known.tolist() == [True, True, True, False]
    assert np.isfinite(scores).all()


def test_scores_do_not_depend_on_the_scale_of_a_part():
    usual, _ = ask(ServedBlend([Table(FIRST), Table(SECOND)], (0.3, 0.7)))
    scaled, _ = ask(ServedBlend([Table(FIRST * 1e-3 + 5e-3), Table(SECOND * 1e3)], (0.3, 0.7)))
    np.testing.assert_allclose(scaled, usual, atol=1e-4)


def test_part_of_weight_zero_is_left_out():
    blend = ServedBlend([Table(FIRST), Table(SECOND)], (1.0, 0.0))
    assert len(blend.parts) == 1
    assert ask(blend)[1].tolist() == [True, False, True, False]


def test_similar_is_that_of_the_heaviest_part_that_knows_the_item():
    scores, is_known = ServedBlend([Table(FIRST), Table(SECOND)], (0.6, 0.4)).similar(tf.range(4, dtype=tf.int64))
    np.testing.assert_allclose(scores[:3], np.stack([FIRST[0], SECOND[1], FIRST[2]]))
    assert is_known.numpy().tolist() == [True, True, True, False]
    scores, _ = ServedBlend([Table(FIRST), Table(SECOND)], (0.4, 0.6)).similar(tf.range(4, dtype=tf.int64))
    np.testing.assert_allclose(scores[:3], SECOND[:3])


def test_standardised_rows_have_mean_zero_and_deviation_one():
    scores, _ = standardised(tf.constant([[3.0, 1, 2], [7, 7, 7]]), tf.constant([True, True]))
    np.testing.assert_allclose(scores, np.array([[1.224745, -1.224745, 0], [0, 0, 0]]), atol=1e-6)
