"""The second baseline besides popularity: the model `item_item` with plain cosines, asked about the same users.

It leaves out the same items, and ranks ties by place, as the served model and `trainer.popularity` do.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from configs.models.item_item import ItemItem
from serving_signatures.ranking import best_places
from trainer.chunks import chunks
from trainer.histories import Histories
from trainer.models.item_item.cosine import cosine_neighbours
from trainer.models.item_item.served import ItemItemModel

_SETTINGS = ItemItem(
    method="cosine",
    neighbours=100,
    max_history=100,
    history_decay=1,
    shrinkage=0,
    activity_exponent=0,
    use_event_weights=True,
)
"""The classic baseline: cosines as they are (Sarwar et al. 2001), 100 neighbours (more change little, Deshpande and
Karypis 2004), and all of the newest 100 interactions count equally."""

_PAIRS = 300_000_000
"""The most pairs of items of one history that are counted in all: it takes some ten seconds. If the histories hold more
pairs, the longest ones are cut to their newest interactions until they fit; they say least about a pair."""

_VALUES_A_CHUNK = 1 << 24
"""Scores held at a time: 64 MiB of float32."""


def item_item_ranking(
    train: Histories, users: Histories, left_out: Histories, count: npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.int32]:
    """Ranks items by the sum of their cosines to the items of the history, weighted as the history is.

    Args:
        train: The train split; items are places in the catalogue.
        users: The users to rank for, the same.
        left_out: The same users with the items that are left out, as of `Histories.left_out`.
        count: `[items]`, the number of training interactions of each item. Items that are like nothing met follow in
            this order.
        k: Items for each user.

    Returns:
        `[users, min(k, items)]` places; -1 where fewer are left.
    """
    items, newest = len(count), _SETTINGS.history_limit
    cut = train.newest(_history_limit(train.length))
    neighbours = cosine_neighbours(cut, items, _SETTINGS.width_for(items), _SETTINGS, seed=0)
    popularity = (count / max(count.sum(), 1)).astype(np.float32)
    model = ItemItemModel(neighbours, np.arange(items, dtype=np.int32), popularity, newest, _SETTINGS.decay)
    ranked = []
    for rows in chunks(np.full(users.users, items), _VALUES_A_CHUNK):
        chosen = np.arange(rows.start, rows.stop)
        scores, is_known = model.scores(tf.constant(chosen), *_histories(users, chosen, newest))
        row, gone, _ = left_out.inside(chosen)
        scores = tf.where(is_known[:, tf.newaxis], scores, popularity)
        place, _ = best_places(scores, tf.constant(row, tf.int64), tf.constant(gone, tf.int64), k)
        ranked.append(place.numpy())
    return np.concatenate(ranked)


def _histories(users: Histories, chosen: npt.NDArray[np.int64], newest: int) -> tuple[Any, Any]:
    """The newest items of users, and their weights, as RaggedTensors."""
    row, item, weight = users.inside(chosen, newest)
    history = tf.RaggedTensor.from_value_rowids(tf.constant(item, tf.int32), row, nrows=len(chosen))
    return history, history.with_values(tf.constant(weight))


def _history_limit(length: npt.NDArray[np.int64]) -> int:
    """Finds the largest limit such that histories cut to it hold at most `_PAIRS` pairs; at least 1."""
    low, high = 1, int(length.max(initial=1))
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.sum(np.minimum(length, middle) ** 2)) <= _PAIRS:
            low = middle
        else:
            high = middle - 1
    return low
