"""The signature `scores`: the scores of all items, for those who filter, rerank or blend outside the model."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def scores(retriever: Retriever, user_id: Any, history: Any, history_weight: Any) -> dict[str, Any]:
    """Scores the whole catalogue. `recommend` ranks these scores after it has left items out; here, none is left out.

    Args:
        retriever: The model.
        user_id: string `[n]`; "" for a user without an id.
        history: string `[n, h]`, oldest first; "" pads.
        history_weight: float32 `[n, h]`; 1 for a plain like.

    Returns:
        `score` float32 `[n, items]`, in the order of the signature `catalogue`: what the model's `ServedModel.scores`
        gives; the popularity of all items in the row of an unknown user without a history.
    """
    score, _ = retriever.scores(user_id, history, history_weight)
    return {"score": score}


SIGNATURE = Signature(
    name="scores",
    inputs={
        "user_id": tf.TensorSpec([None], tf.string),
        "history": tf.TensorSpec([None, None], tf.string),
        "history_weight": tf.TensorSpec([None, None], tf.float32),
    },
    answer=scores,
)
