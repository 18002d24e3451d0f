"""The signature `embed_item_indices`: candidate embeddings by place, to go through the whole catalogue."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def embed_item_indices(retriever: Retriever, index: Any) -> dict[str, Any]:
    """Embeds items.

    Args:
        retriever: The model.
        index: int64 `[n]`, places in the catalogue.

    Returns:
        `embedding` float32 `[n, dim]` and `item_id` string `[n]`; zero and "" for an index outside the catalogue.
    """
    is_place = (index >= 0) & (index < tf.size(retriever.item_id, tf.int64))
    item_id = tf.where(is_place, tf.gather(retriever.item_id, tf.where(is_place, index, 0)), "")
    return {"embedding": retriever.cosine_model.embed_items(index), "item_id": item_id}


SIGNATURE = Signature(
    name="embed_item_indices", inputs={"index": tf.TensorSpec([None], tf.int64)}, answer=embed_item_indices
)
