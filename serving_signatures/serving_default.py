"""The signature `serving_default`: recommendations for raw interaction Examples, as the pipeline writes them."""

from typing import Any

import tensorflow as tf

from serving_signatures.recommend import recommend
from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature
from transforms import features
from transforms.interactions import first


def serving_default(retriever: Retriever, examples: Any) -> dict[str, Any]:
    """Recommends items by the Example's user and history, with weights from the transform graph.

    Args:
        retriever: The model.
        examples: string `[n]`, serialized Examples with the raw features of `transforms.features`; any feature may
            be missing.

    Returns:
        `item_id` string `[n, k]` and `score` float32 `[n, k]`, best first; k comes from the config. "" and
        `PADDING_SCORE` pad if fewer items are left.
    """
    raw, transformed = retriever.transform(examples)
    history = raw[features.ITEM_ID]
    weight = transformed[features.HISTORY_WEIGHT]
    answer = recommend(
        retriever,
        user_id=first(raw[features.USER_ID]),
        history=tf.sparse.to_dense(history, default_value=""),
        history_weight=tf.sparse.to_dense(weight),
        exclude=tf.zeros([tf.size(examples), 0], tf.string),
        k=tf.fill([tf.size(examples)], retriever.default_k),
    )
    return {"item_id": answer["item_id"], "score": answer["score"]}


SIGNATURE = Signature(
    name="serving_default", inputs={"examples": tf.TensorSpec([None], tf.string)}, answer=serving_default
)
