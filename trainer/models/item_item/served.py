"""Defines the item-item model that is served: a table in variables, and plain ops that look it up and add."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from serving_signatures.served_model import ServedModel
from trainer.models.item_item.neighbours import Neighbours

_REST = 1e-12
"""Scores of items that are no neighbours, relative to the largest weight of the table: only their order means
something."""

_CELLS = 1 << 22
"""Weights of the table that are added at a time, 20 bytes each: all of a batch of 256 short histories, but not all of
256 long ones, which would take half a gigabyte."""


class ItemItemModel(ServedModel):
    """Scores items by the neighbours of a history's items; it has no embeddings."""

    def __init__(
        self,
        neighbours: Neighbours,
        row: npt.NDArray[np.int32],
        popularity: npt.NDArray[np.float32],
        max_history: int,
        history_decay: float,
        *,
        weighs: bool = True,
    ) -> None:
        """Puts the table into variables.

        Args:
            neighbours: Of each row of the vocabulary of interacted items; the neighbours are places in the catalogue.
            row: int32 `[items]`, the row of each place; -1 for an item without interactions.
            popularity: float32 `[items]`, not below 0: the order of the items that are nobody's neighbours.
            max_history: How many items of a history count, the newest ones.
            history_decay: Weight of an item relative to the next newer one; 1 for a log without order.
            weighs: Whether an item of a history counts by the weight of its event; else all count the same.
        """
        super().__init__(name="item_item")
        self._neighbour = tf.Variable(neighbours.item, trainable=False, name="neighbour")
        self._weight = tf.Variable(neighbours.weight, trainable=False, name="neighbour_weight")
        self._row = tf.Variable(row, trainable=False, name="row_of_place")
        largest = np.abs(neighbours.weight).max(initial=0.0) or 1.0
        rest = _REST * largest * popularity / (popularity.max(initial=0.0) or 1.0)
        self._rest = tf.Variable(rest.astype(np.float32), trainable=False, name="score_of_no_neighbour")
        self._weight_of_age = tf.constant([history_decay**age for age in range(max_history)], tf.float32)
        self._max_history = max_history
        self._weighs = weighs
        self._items = len(row)

    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """Scores the catalogue for each query; see `ServedModel.scores`.

        Args:
            user: int64 `[n]`; not used, because the history says all that the table can be asked.
            history: int32 or int64 RaggedTensor `[n, (h)]` of rows, oldest first.
            weight: float32 RaggedTensor of the same shape, above zero and finite, of any size.

        Returns:
            float32 `[n, items]`, by place: the mean weight of the item among the neighbours of the history's items,
            which count by their weight and age. Items that are no neighbours follow by popularity. And bool `[n]`,
            whether any item of the history has neighbours.
        """
        query, newest, share = self._decayed(history, weight)
        return self._with_rest(self._added(history.nrows(), query, tf.gather(history.values, newest), share))

    def similar(self, place: Any) -> tuple[Any, Any]:
        """How near each item is to the item at a place; see `ServedModel.similar`.

        Args:
            place: int64 `[n]`.

        Returns:
            float32 `[n, items]`, by place, minus infinity for what is no neighbour; and bool `[n]`, whether the item
            has neighbours.
        """
        row = tf.gather(self._row, place)
        known = tf.where(row >= 0)[:, 0]
        shares = tf.ones_like(known, tf.float32)
        scores = self._added(tf.size(place, tf.int64), known, tf.gather(row, known), shares)
        return tf.where(scores == 0, -float("inf"), scores), tf.reduce_any(scores != 0, axis=1)

    def contributions(self, history: Any, weight: Any, place: Any) -> Any:
        """How much of an item's score came from each item of the history: what it was recommended because of.

        Args:
            history: As for `scores`.
            weight: As for `scores`.
            place: int64 `[n]`, the place of one item for each query.

        Returns:
            float32 RaggedTensor of the shape of `history`; the sum of a row is the score of the item.
        """
        query, newest, share = self._decayed(history, weight)
        row = tf.gather(history.values, newest)
        is_asked = tf.gather(self._neighbour, row) == tf.cast(tf.gather(place, query), tf.int32)[:, tf.newaxis]
        part = share * tf.reduce_sum(tf.where(is_asked, tf.gather(self._weight, row), 0.0), axis=1)
        all_parts = tf.scatter_nd(newest[:, tf.newaxis], part, tf.shape(history.values, tf.int64))
        return history.with_values(all_parts)

    def _with_rest(self, scores: Any) -> tuple[Any, Any]:
        return tf.where(scores == 0, self._rest, scores), tf.reduce_any(scores != 0, axis=1)

    def _decayed(self, history: Any, weight: Any) -> tuple[Any, Any, Any]:
        """The newest items of all histories: the query of each, its index in the flat history, and its share."""
        end = history.row_limits()
        newest = tf.ragged.range(tf.maximum(history.row_starts(), end - self._max_history), end)
        query, position = newest.value_rowids(), newest.values
        share = tf.gather(weight.values, position) if self._weighs else tf.ones_like(position, tf.float32)
        # Only the ratios within a row count, and the sum of a row must not overflow.
        share /= tf.gather(tf.math.unsorted_segment_max(share, query, newest.nrows()), query)
        share *= tf.gather(self._weight_of_age, tf.gather(end, query) - position - 1)
        share /= tf.gather(tf.math.unsorted_segment_sum(share, query, newest.nrows()), query)
        return query, position, share

    def _added(self, queries: Any, query: Any, row: Any, share: Any) -> Any:
        """Adds up rows of the table, each times its share, in the row of its query: float32 `[queries, items]`."""
        step = max(1, _CELLS // self._weight.shape[1])

        def add(start: Any, total: Any) -> tuple[Any, Any]:
            part = slice(start, start + step)
            value = share[part, tf.newaxis] * tf.gather(self._weight, row[part])
            cell = query[part, tf.newaxis] * self._items + tf.cast(tf.gather(self._neighbour, row[part]), tf.int64)
            cells = queries * self._items
            return start + step, total + tf.math.unsorted_segment_sum(
                tf.reshape(value, [-1]), tf.reshape(cell, [-1]), cells
            )

        looked_up = tf.size(row)
        start, total = tf.constant(0), tf.zeros([queries * self._items])
        _, total = tf.while_loop(lambda start, _: start < looked_up, add, [start, total])
        return tf.reshape(total, [queries, self._items])
