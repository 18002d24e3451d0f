"""The signature `embed_items`: candidate embeddings by item id."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def embed_items(retriever: Retriever, item_id: Any) -> dict[str, Any]:
    """Embeds items.

    Args:
        retriever: The model.
        item_id: string `[n]`.

    Returns:
        `embedding` float32 `[n, dim]`, zero for an unknown item; `known` bool `[n]`, whether the catalogue has it.
    """
    place = retriever.place_of(item_id)
    return {"embedding": retriever.cosine_model.embed_items(place), "known": place >= 0}


SIGNATURE = Signature(name="embed_items", inputs={"item_id": tf.TensorSpec([None], tf.string)}, answer=embed_items)
