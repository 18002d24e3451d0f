"""The interaction graph: users and histories to vocabulary indices. See `transforms.features` for names and shapes.

No annotations-import here and no state: TFX calls `preprocessing_fn` by its dotted path, in Beam workers, and the
graph it traces is the one that serving looks users and histories up with.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from transforms import features


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Maps raw interaction Examples to indices; vocabularies are of the analysed (training) split alone.

    Args:
        inputs: Raw features, each a SparseTensor `[batch, n]`.
        custom_config: `weighted`: whether values are event weights and so weigh the history.

    Returns:
        `user_index` int64 `[batch]`; `history_index` int64 and `history_weight` float32, SparseTensors
        `[batch, n]` in the same order; `user_id` string `[batch]` and `target_item_id` string SparseTensor
        `[batch, m]` as they came.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs: values weigh, and a row has more or fewer than items.
    """
    user_id = first(inputs[features.USER_ID])
    history = inputs[features.ITEM_ID]
    if custom_config["weighted"]:
        value = inputs[features.VALUE]
        # Totals alone could agree where two rows lack each other's values, and indices alone are broadcast. Serving
        # runs this graph, and so these checks, too.
        wrong = "each row must have one value for each item_id"
        same_total = tf.debugging.assert_equal(tf.size(value.values), tf.size(history.values), wrong)
        with tf.control_dependencies([same_total]):
            one_each = tf.debugging.assert_equal(tf.identity(value.indices), history.indices, wrong)
        with tf.control_dependencies([one_each]):
            weight = tf.SparseTensor(history.indices, tf.identity(value.values), history.dense_shape)
    else:
        weight = tf.SparseTensor(history.indices, tf.ones_like(history.values, tf.float32), history.dense_shape)
    return {
        features.USER_ID: user_id,
        features.USER_INDEX: tft.compute_and_apply_vocabulary(user_id, vocab_filename=features.USER_VOCABULARY),
        features.HISTORY_INDEX: tft.compute_and_apply_vocabulary(
            history, vocab_filename=features.INTERACTED_ITEM_VOCABULARY
        ),
        features.HISTORY_WEIGHT: weight,
        features.TARGET_ITEM_ID: inputs[features.TARGET_ITEM_ID],
    }


def first(feature: Any) -> Any:
    """The only value of each row.

    Args:
        feature: String SparseTensor `[batch, n]` with n at most 1.

    Returns:
        String tensor `[batch]`; "" where a row has none.
    """
    one_column = tf.sparse.slice(feature, [0, 0], [feature.dense_shape[0], 1])
    wide = tf.SparseTensor(one_column.indices, one_column.values, tf.stack([feature.dense_shape[0], 1]))
    return tf.reshape(tf.sparse.to_dense(wide, default_value=""), [-1])
