"""The signature `recommend`: the best items for users, known by id, by history, or not at all."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever, after
from serving_signatures.signature import Signature


def recommend(
    retriever: Retriever, user_id: Any, history: Any, history_weight: Any, exclude: Any, k: Any
) -> dict[str, Any]:
    """Recommends items. An unknown user gets items by history, or by popularity if there is no history.

    Args:
        retriever: The model.
        user_id: string `[n]`; "" for a user without an id.
        history: string `[n, h]`, oldest first; "" pads. The model's `leave_out` decides which of these items may be
            recommended again.
        history_weight: float32 `[n, h]`; 1 for a plain like.
        exclude: string `[n, e]`, further items that are not recommended; "" pads.
        k: int32 `[n]`, at least 1; cut to the catalogue's size.

    Returns:
        `item_id` string `[n, max k]` and `score` float32 `[n, max k]`, best first, and padded as by `Retriever.rank`;
        `known_user` bool `[n]`.
    """
    scores, known_user = retriever.scores(user_id, history, history_weight)
    # After the scores, which check that each item of the history has a weight.
    with after(scores):
        left_out = retriever.left_out(history, history_weight)
    excluded = tf.concat([left_out, retriever.place_of(exclude)], axis=1)
    item_id, score = retriever.rank(scores, excluded, k)
    return {"item_id": item_id, "score": score, "known_user": known_user}


SIGNATURE = Signature(
    name="recommend",
    inputs={
        "user_id": tf.TensorSpec([None], tf.string),
        "history": tf.TensorSpec([None, None], tf.string),
        "history_weight": tf.TensorSpec([None, None], tf.float32),
        "exclude": tf.TensorSpec([None, None], tf.string),
        "k": tf.TensorSpec([None], tf.int32),
    },
    answer=recommend,
)
