"""LazyAdam against Keras' Adam and against the formula of Kingma and Ba."""

import numpy as np
import tensorflow as tf

from trainer.models.two_tower.optimizers import LazyAdam

STEPS = 5


def train(optimizer: tf.keras.optimizers.Optimizer, rows_of_step: list[list[int]]) -> np.ndarray:
    table = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2) / 8)
    for rows in rows_of_step:
        with tf.GradientTape() as tape:
            # A row looked up twice has two gradients, which are one.
            loss = tf.reduce_sum(tf.gather(table, rows) ** 3)
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
    return table.numpy()


def test_lazy_adam_all_rows_at_every_step_equals_adam() -> None:
    rows = [[0, 1, 2, 3, 1]] * STEPS
    lazy, adam = train(LazyAdam(0.1), rows), train(tf.keras.optimizers.Adam(0.1), rows)
    np.testing.assert_allclose(lazy, adam, rtol=1e-5)


def test_lazy_adam_rows_not_looked_up_stand_still() -> None:
    result = train(LazyAdam(0.1), [[1], [1], [3], [1]])

    expected = np.arange(8).reshape(4, 2) / 8
    first, second = np.zeros((4, 2)), np.zeros((4, 2))
    for step, row in enumerate([1, 1, 3, 1], 1):
        gradient = 3 * expected[row] ** 2
        first[row] = 0.9 * first[row] + 0.1 * gradient
        second[row] = 0.999 * second[row] + 0.001 * gradient**2
        unbiased = first[row] / (1 - 0.9**step), second[row] / (1 - 0.999**step)
        expected[row] -= 0.1 * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-7)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    np.testing.assert_array_equal(result[[0, 2]], (np.arange(8).reshape(4, 2) / 8)[[0, 2]].astype(np.float32))


def test_lazy_adam_dense_gradient_equals_adam() -> None:
    def train_dense(optimizer: tf.keras.optimizers.Optimizer) -> np.ndarray:
        matrix = tf.Variable([[1.0, 2.0]])
        for _ in range(STEPS):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(matrix**2)
            optimizer.apply_gradients([(tape.gradient(loss, matrix), matrix)])
        return matrix.numpy()

    np.testing.assert_array_equal(train_dense(LazyAdam(0.1)), train_dense(tf.keras.optimizers.Adam(0.1)))
