"""Defines the pooled query tower and the candidate tower.

They share the item embeddings: the same items are in histories and are recommended.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.candidates import Candidates

_INITIAL_DEVIATION = 0.05
"""Standard deviation of fresh embeddings, as in Keras' Embedding layer. Embeddings are normalised, so only its ratio to
the learning rate matters."""


PROJECTION = "history_projection"
"""Name of the array by which a pooled history is multiplied."""


class QueryTower(tf.keras.layers.Layer):
    """User embedding plus projected history, normalised.

    The query of a user without an id is made from the history only; without a history, from the id only.

    Attributes:
        user_embedding: Variable `[users, dim]`.
        projection: Variable `[dim, dim]`, by which a pooled history is multiplied.
        dim: Length of an embedding.
    """

    def __init__(
        self,
        users: int,
        item_embedding: Any,
        max_history: int,
        history_decay: float,
        seed: int,
        history_offset: Any = None,
    ) -> None:
        """Makes the embeddings of users.

        Args:
            users: Users in the vocabulary.
            item_embedding: Variable `[interacted items, dim]`, shared with the candidate tower.
            max_history: How many items of a history count, the newest ones.
            history_decay: Weight of an item relative to the next newer one.
            seed: Seed of the initial embeddings.
            history_offset: Variable of the same shape, by which an item in a history differs; None if it does not.
        """
        super().__init__(name="query_tower")
        dim = item_embedding.shape[1]
        self._item_tables = item_tables(item_embedding, history_offset)
        self.user_embedding = embedding("user_embedding", users, dim, seed)
        # Starts as the identity: before training, the mean of the history is a reasonable query.
        self.projection = tf.Variable(tf.eye(dim), name=PROJECTION)
        self._max_history = max_history
        self.dim = dim
        self._weight_of_age = tf.constant([history_decay**age for age in range(max_history)])

    def call(self, user: Any, history: Any, history_weight: Any) -> Any:
        """Embeds queries.

        Args:
            user: int32 or int64 `[batch]`, places in the user vocabulary; -1 for a user without an embedding.
            history: int32 or int64 RaggedTensor `[batch, (h)]`, rows of the item embedding, oldest first.
            history_weight: float32 RaggedTensor of the same shape, above zero and finite, of any size.

        Returns:
            float32 `[batch, dim]`, of length 1; zero for a query with neither user nor history.
        """
        query = known_rows(self.user_embedding, user)
        return tf.math.l2_normalize(query + self._pool(history, history_weight) @ self.projection, axis=1)

    @property
    def arrays(self) -> dict[str, Any]:
        """Variables that belong to no id, by their names."""
        return {PROJECTION: self.projection}

    @property
    def additive(self) -> frozenset[str]:
        """The `arrays` whose products are added to embeddings, and must have their scale: none."""
        return frozenset()

    def queries(self, batch: dict[str, Any]) -> Any:
        """Embeds the queries of one of `Batches`, float32 `[batch, dim]`."""
        return self(batch["user"], batch["history"], batch["history_weight"])

    def _pool(self, history: Any, history_weight: Any) -> Any:
        """Weighted mean of the newest items, `[batch, dim]`."""
        # Older items have no weight. They are left out before the gather, which would be large for a long history.
        end = history.row_limits()
        newest = tf.ragged.range(tf.maximum(history.row_starts(), end - self._max_history), end)
        example, position = newest.value_rowids(), newest.values
        weight = tf.gather(history_weight.values, position)
        # Only the ratios within a row count, and the sum of a row must not overflow.
        heaviest = tf.math.unsorted_segment_max(weight, example, newest.nrows())
        weight = weight / tf.gather(heaviest, example)
        weight *= tf.gather(self._weight_of_age, tf.gather(end, example) - position - 1)
        total = tf.math.unsorted_segment_sum(weight, example, history.nrows())
        # Each item is gathered once, however many histories it is in: so its gradient is one row too.
        item, column = tf.unique(tf.gather(history.values, position))
        weights = tf.SparseTensor(
            tf.stack([example, tf.cast(column, tf.int64)], axis=1), weight, [history.nrows(), tf.size(item, tf.int64)]
        )
        pooled = tf.sparse.sparse_dense_matmul(weights, embed(self._item_tables, item))
        return tf.math.divide_no_nan(pooled, total[:, tf.newaxis])


class CandidateTower(tf.keras.layers.Layer):
    """Item embedding plus the mean embedding of each content feature, normalised.

    An item without interactions has no embedding of its own; its content alone makes its embedding.

    Attributes:
        item_embedding: Variable `[interacted items, dim]`, shared with the query tower.
        content_embedding: Content feature to its Variable `[indices, dim]`.
    """

    def __init__(self, candidates: Candidates, item_embedding: Any, seed: int) -> None:
        """Makes the embeddings of content.

        Args:
            candidates: The catalogue.
            item_embedding: Variable `[interacted items, dim]`, shared with the query tower.
            seed: Seed of the initial embeddings.
        """
        super().__init__(name="candidate_tower")
        dim = item_embedding.shape[1]
        self.item_embedding = item_embedding
        self._row = tf.constant(candidates.row)
        self._content = {
            name: (tf.constant(content.index), tf.constant(content.offset))
            for name, content in candidates.content.items()
        }
        self.content_embedding = {
            # The prefix is needed: a feature may be called `item` or `user`, and a table's name seeds its first values.
            name: embedding(f"content_{name}_embedding", content.size, dim, seed)
            for name, content in candidates.content.items()
        }

    def call(self, place: Any) -> Any:
        """Embeds items.

        Args:
            place: int32 or int64 `[batch]`, places in the catalogue.

        Returns:
            float32 `[batch, dim]`, of length 1; zero for an item with neither interactions nor content.
        """
        row = tf.gather(self._row, place)
        return tf.math.l2_normalize(known_rows(self.item_embedding, row) + self.embed_content(place), axis=1)

    def embed_content(self, place: Any) -> Any:
        """Embeds the content of items: that part of their embeddings, before they are normalised.

        Args:
            place: int32 or int64 `[batch]`, places in the catalogue.

        Returns:
            float32 `[batch, dim]`; zero for an item without content.
        """
        total = tf.zeros([tf.size(place), self.item_embedding.shape[1]])
        for name, (index, offset) in self._content.items():
            chosen = tf.ragged.range(tf.gather(offset, place), tf.gather(offset, place + 1))
            tokens = tf.gather(self.content_embedding[name], tf.gather(index, chosen.values))
            summed = tf.math.unsorted_segment_sum(tokens, chosen.value_rowids(), chosen.nrows())
            count = tf.cast(chosen.row_lengths(), tf.float32)[:, tf.newaxis]
            total += tf.math.divide_no_nan(summed, count)
        return total


def known_rows(table: Any, row: Any) -> Any:
    """Rows of a table, float32 `[n, dim]`; zero for row -1 of int `[n]`."""
    return tf.cast(row >= 0, tf.float32)[:, tf.newaxis] * tf.gather(table, tf.maximum(row, 0))


def item_tables(item_embedding: Any, history_offset: Any) -> list[Any]:
    """The tables whose sum embeds an item in a history: the second may be None."""
    return [item_embedding] if history_offset is None else [item_embedding, history_offset]


def embed(tables: Sequence[Any], row: Any) -> Any:
    """The sum of some tables' rows, float32 `[..., dim]` for int `[...]`."""
    return tf.add_n([tf.gather(table, row) for table in tables])


def embedding(name: str, rows: int, dim: int, seed: int) -> Any:
    """Makes a fresh embedding table, which depends only on its name and the seed.

    Args:
        name: The variable's name.
        rows: Rows. A table without ids has one row, which is never read.
        dim: Columns.
        seed: The run's seed.

    Returns:
        Variable float32 `[max(rows, 1), dim]`.
    """
    rng = np.random.default_rng([seed, *name.encode()])
    values = rng.normal(0.0, _INITIAL_DEVIATION, (max(rows, 1), dim)).astype(np.float32)
    return tf.Variable(values, name=name)
