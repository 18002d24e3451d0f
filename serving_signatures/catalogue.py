"""The signature `catalogue`: ids and titles of all items, in pages."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever, after
from serving_signatures.signature import Signature


def catalogue(retriever: Retriever, offset: Any, limit: Any) -> dict[str, Any]:
    """Lists items in the order of their places. Each row asks for a page; the answer holds the pages one after another.

    Args:
        retriever: The model.
        offset: int64 `[n]`, the first place of each page, not below 0.
        limit: int64 `[n]`, the largest number of items of each page, not below 0.

    Returns:
        `item_id` string `[m]`, `title` string `[m]`, and `total` int64 `[m]`, the number of items in the catalogue, the
        same in each row. m is the number of items of all pages; a page beyond the end has none.
    """
    checks = [
        tf.debugging.assert_non_negative(offset, "offset must not be below 0"),
        tf.debugging.assert_non_negative(limit, "limit must not be below 0"),
    ]
    with after(tf.group(*checks)):
        offset = tf.identity(offset)
    total = tf.size(retriever.item_id, tf.int64)
    first = tf.minimum(offset, total)
    place = tf.ragged.range(first, first + tf.minimum(limit, total - first)).values
    return {
        "item_id": tf.gather(retriever.item_id, place),
        "title": tf.gather(retriever.title, place),
        "total": tf.fill(tf.shape(place), total),
    }


SIGNATURE = Signature(
    name="catalogue",
    inputs={"offset": tf.TensorSpec([None], tf.int64), "limit": tf.TensorSpec([None], tf.int64)},
    answer=catalogue,
)
