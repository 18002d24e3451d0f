"""Builds the interaction graph: users and histories to vocabulary indices. Names: see `transforms.features`.

This module has no annotations-import and no state: TFX calls `preprocessing_fn` by its dotted path, in Beam workers.
Serving looks up users and histories with the graph that is traced here.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from transforms import features


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Maps raw interaction Examples to indices. Vocabularies are made from the analysed (training) split only.

    Args:
        inputs: Raw features, each a SparseTensor `[batch, n]`.
        custom_config: `weighted`: whether values are event weights, which become the weights of the history.

    Returns:
        `user_index` int64 `[batch]`; `history_index` int64 and `history_weight` float32, SparseTensors
        `[batch, n]` in the same order; `user_id` string `[batch]`, `target_item_id` string SparseTensor `[batch, m]`
        and, if the log has times, `history_timestamp` int64 SparseTensor `[batch, n]`, unchanged.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs: values are weights, and a row does not have one value for
            each item.
    """
    user_id = first(inputs[features.USER_ID])
    history = inputs[features.ITEM_ID]
    if custom_config["weighted"]:
        value = inputs[features.VALUE]
        # Both checks are needed: totals can be equal although one row lacks a value and another has one too many, and
        # `assert_equal` broadcasts the indices. Serving runs this graph, so it runs these checks too.
        wrong = "each row must have one value for each item_id"
        same_total = tf.debugging.assert_equal(tf.size(value.values), tf.size(history.values), wrong)
        with tf.control_dependencies([same_total]):
            one_each = tf.debugging.assert_equal(tf.identity(value.indices), history.indices, wrong)
        with tf.control_dependencies([one_each]):
            weight = tf.SparseTensor(history.indices, tf.identity(value.values), history.dense_shape)
    else:
        weight = tf.SparseTensor(history.indices, tf.ones_like(history.values, tf.float32), history.dense_shape)
    # What a model learns of times, it learns in training: a query may come without them.
    times = {features.HISTORY_TIMESTAMP: inputs[features.TIMESTAMP]} if features.TIMESTAMP in inputs else {}
    return {
        **times,
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
        String tensor `[batch]`; "" if a row has no value.
    """
    one_column = tf.sparse.slice(feature, [0, 0], [feature.dense_shape[0], 1])
    wide = tf.SparseTensor(one_column.indices, one_column.values, tf.stack([feature.dense_shape[0], 1]))
    return tf.reshape(tf.sparse.to_dense(wide, default_value=""), [-1])
