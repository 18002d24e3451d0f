"""The signature `catalogue`: ids and titles of all items, one page at a time."""

from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature


def catalogue(retriever: Retriever, offset: Any, limit: Any) -> dict[str, Any]:
    """Lists items in the order of their places.

    Args:
        retriever: The model.
        offset: int64 `[]`, the first place, not below 0.
        limit: int64 `[]`, the largest number of items, not below 0.

    Returns:
        `item_id` string `[m]`, `title` string `[m]`; `total` int64 `[]`, the number of items in the catalogue.
    """
    tf.debugging.assert_non_negative(offset, "offset must not be below 0")
    tf.debugging.assert_non_negative(limit, "limit must not be below 0")
    total = tf.size(retriever.item_id, tf.int64)
    first = tf.minimum(offset, total)
    last = first + tf.minimum(limit, total - first)
    return {"item_id": retriever.item_id[first:last], "title": retriever.title[first:last], "total": total}


SIGNATURE = Signature(
    name="catalogue",
    inputs={"offset": tf.TensorSpec([], tf.int64), "limit": tf.TensorSpec([], tf.int64)},
    answer=catalogue,
)
