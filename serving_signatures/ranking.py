"""Scores and ranks the catalogue, for evaluation and serving alike, so that both leave out the same items."""

from typing import Any

import tensorflow as tf

NO_EMBEDDING_SCORE = -1.0
"""Score of an item about which nothing is known: the lowest cosine. Without it, such an item, whose embedding is zero,
would score 0 and rank above every item that a user dislikes."""

PADDING_SCORE = tf.float32.min
"""Score of a place in a list for which no item is left. It is finite, because an infinity is no JSON."""


def cosines(query: Any, embedding: Any) -> Any:
    """Scores every item for every query.

    Args:
        query: float32 `[batch, dim]`, of length 1.
        embedding: float32 `[items, dim]`, of length 1; zero if nothing is known about the item.

    Returns:
        float32 `[batch, items]`; `NO_EMBEDDING_SCORE` for an item without an embedding.
    """
    scores = tf.matmul(query, embedding, transpose_b=True)
    return tf.where(is_embedded(embedding), scores, NO_EMBEDDING_SCORE)


def is_embedded(vectors: Any) -> Any:
    """Which vectors are not zero: bool `[rows]` for `[rows, dim]`."""
    return tf.reduce_any(vectors != 0, axis=1)


def best_places(scores: Any, excluded_row: Any, excluded_place: Any, k: Any) -> tuple[Any, Any]:
    """Ranks the catalogue by score, ties by place.

    Args:
        scores: float32 `[batch, items]`.
        excluded_row: int64 `[excluded]`, the row of each score to leave out.
        excluded_place: int64 `[excluded]`, the place of that score in the catalogue; pairs may repeat.
        k: int32 `[]`, not below zero; cut to the number of items.

    Returns:
        Places int32 `[batch, k]` and scores float32 `[batch, k]`, best first; -1 and `PADDING_SCORE` pad if fewer
        items are left.
    """
    pairs = tf.stack([excluded_row, excluded_place], axis=1)
    scores = tf.tensor_scatter_nd_min(scores, pairs, tf.fill(tf.shape(pairs)[:1], -float("inf")))
    best, place = tf.math.top_k(scores, tf.minimum(k, tf.shape(scores)[1]))
    is_left = tf.logical_not(tf.math.is_inf(best))
    return tf.where(is_left, place, -1), tf.where(is_left, best, PADDING_SCORE)
