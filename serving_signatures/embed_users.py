"""The signature `embed_users`: query embeddings by user id and history."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def embed_users(retriever: Retriever, user_id: Any, history: Any, history_weight: Any) -> dict[str, Any]:
    """Embeds users.

    Args:
        retriever: The model.
        user_id: string `[n]`; "" for a user without an id.
        history: string `[n, h]`, oldest first; "" pads.
        history_weight: float32 `[n, h]`; 1 for a plain like.

    Returns:
        `embedding` float32 `[n, dim]`, zero if neither user nor history is known; `known_user` bool `[n]`.
    """
    embedding, known_user = retriever.embed_users(user_id, history, history_weight)
    return {"embedding": embedding, "known_user": known_user}


SIGNATURE = Signature(
    name="embed_users",
    inputs={
        "user_id": tf.TensorSpec([None], tf.string),
        "history": tf.TensorSpec([None, None], tf.string),
        "history_weight": tf.TensorSpec([None, None], tf.float32),
    },
    answer=embed_users,
)
