"""The signature `similar_items`: the nearest neighbours of items."""

from typing import Any

import tensorflow as tf

from serving_signatures.ranking import PADDING_SCORE
from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def similar_items(retriever: Retriever, item_id: Any, k: Any) -> dict[str, Any]:
    """Finds the items that the model finds most alike, without the item itself: by cosine, if it has embeddings.

    Args:
        retriever: The model.
        item_id: string `[n]`.
        k: int32 `[n]`, at least 1; cut to the catalogue's size.

    Returns:
        `item_id` string `[n, max k]` and `score` float32 `[n, max k]`, best first, and padded as by `Retriever.rank`;
        the row of an item of which the model knows nothing is all padding; `known` bool `[n]`, whether the catalogue
        has the item.
    """
    place = retriever.place_of(item_id)
    scores, is_known = retriever.model.similar(tf.maximum(place, 0))
    neighbours, score = retriever.rank(scores, place[:, tf.newaxis], k)
    has_neighbours = ((place >= 0) & is_known)[:, tf.newaxis]
    return {
        "item_id": tf.where(has_neighbours, neighbours, ""),
        "score": tf.where(has_neighbours, score, PADDING_SCORE),
        "known": place >= 0,
    }


SIGNATURE = Signature(
    name="similar_items",
    inputs={"item_id": tf.TensorSpec([None], tf.string), "k": tf.TensorSpec([None], tf.int32)},
    answer=similar_items,
)
