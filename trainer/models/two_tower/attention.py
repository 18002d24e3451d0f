"""Defines the query tower with causal self-attention over the newest items of a history.

Kang and McAuley 2018, "Self-Attentive Sequential Recommendation", with three changes. Positions are counted from the
newest item, as a learned bias for each age (Raffel et al. 2020, section 2.1): so a state means the same wherever its
window begins, and all places of a window can be trained at once. The weights of events are a bias too. And the pooled
history of `QueryTower` is added to the result, which starts as this alone.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.models.two_tower.towers import PROJECTION, embed, embedding, item_tables, known_rows

_MASKED = -1e9
"""Added to the logit of an item that is not attended to."""


class AttentionTower(tf.keras.layers.Layer):
    """User embedding plus attended history, normalised.

    The query of a user without an id is made from the history only; without a history, from the id only.

    Attributes:
        user_embedding: Variable `[users, dim]`.
        dim: Length of an embedding.
        blocks: The blocks, in order.
        projection: Variable `[dim, dim]`, by which a pooled history is multiplied.
        attended_projection: Variable `[dim, dim]`, by which the last block's state is multiplied.
    """

    def __init__(
        self,
        users: int,
        item_embedding: Any,
        max_history: int,
        history_decay: float,
        seed: int,
        blocks: int,
        heads: int,
        dropout: float,
        history_offset: Any = None,
    ) -> None:
        """Makes the embeddings of users, and the blocks.

        Args:
            users: Users in the vocabulary.
            item_embedding: Variable `[interacted items, dim]`, shared with the candidate tower.
            max_history: How many items of a history count, the newest ones.
            history_decay: Weight of an item relative to the next newer one: in the pool, and in fresh blocks.
            seed: Seed of the initial values.
            blocks: Number of blocks.
            heads: Heads of each block; they divide `dim`.
            dropout: Share of the values of embeddings and of layers' outputs that are dropped in training.
            history_offset: Variable of the same shape, by which an item in a history differs; None if it does not.
        """
        super().__init__(name="query_tower")
        self.dim = dim = item_embedding.shape[1]
        self._item_tables = item_tables(item_embedding, history_offset)
        self.user_embedding = embedding("user_embedding", users, dim, seed)
        self._bias_of_age = (math.log(history_decay) * np.arange(max_history)).astype(np.float32)
        self.blocks = [AttentionBlock(f"block_{n}", dim, heads, self._bias_of_age, seed) for n in range(blocks)]
        # They start as the pooled tower: the identity, and nothing added.
        self.projection = tf.Variable(tf.eye(dim), name=PROJECTION)
        self.attended_projection = tf.Variable(tf.zeros([dim, dim]), name="attended_projection")
        self._max_history = max_history
        self._dropout = dropout

    @property
    def arrays(self) -> dict[str, Any]:
        """Variables that belong to no id, by their names."""
        in_blocks = {name: variable for block in self.blocks for name, variable in block.arrays.items()}
        return {PROJECTION: self.projection, "attended_projection": self.attended_projection, **in_blocks}

    @property
    def additive(self) -> frozenset[str]:
        """The `arrays` whose products are added to embeddings, and must have their scale."""
        return frozenset(name for block in self.blocks for name in block.additive)

    def call(self, user: Any, history: Any, history_weight: Any) -> Any:
        """Embeds queries.

        Args:
            user: int32 or int64 `[batch]`, places in the user vocabulary; -1 for a user without an embedding.
            history: int32 or int64 RaggedTensor `[batch, (h)]`, rows of the item embedding, oldest first.
            history_weight: float32 RaggedTensor of the same shape, above zero and finite, of any size.

        Returns:
            float32 `[batch, dim]`, of length 1; zero for a query with neither user nor history.
        """
        end = history.row_limits()
        newest = tf.ragged.range(tf.maximum(history.row_starts(), end - self._max_history), end)
        item = newest.with_values(tf.gather(history.values, newest.values)).to_tensor()
        weight = newest.with_values(tf.gather(history_weight.values, newest.values)).to_tensor(1.0)
        # The padding comes last, and is not attended to. There is one column at least, even without any history.
        item, weight = tf.pad(item, [[0, 0], [0, 1]]), tf.pad(weight, [[0, 0], [0, 1]], constant_values=1.0)
        states = self._states(item, weight, tf.zeros_like(item), _Dropout(0.0, None))
        last = tf.cast(newest.row_lengths(), tf.int32) - 1
        attended = tf.cast(last >= 0, tf.float32)[:, tf.newaxis] * tf.gather(states, tf.maximum(last, 0), batch_dims=1)
        return tf.math.l2_normalize(known_rows(self.user_embedding, user) + attended, axis=1)

    def queries(self, batch: dict[str, Any]) -> Any:
        """Embeds the queries of one of `Windows`' batches, float32 `[rows * length, dim]`."""
        window = batch["window"]
        states = self._states(batch["item"], batch["item_weight"], window, _Dropout(self._dropout, batch["seed"]))
        # A target's query is the state before it; at the start of a window there is none.
        is_same = tf.cast(window[:, 1:] == window[:, :-1], tf.float32)[:, :, tf.newaxis]
        before = tf.reshape(tf.pad(is_same * states[:, :-1], [[0, 0], [1, 0], [0, 0]]), [-1, self.dim])
        user = known_rows(self.user_embedding, tf.reshape(batch["user"], [-1]))
        return tf.math.l2_normalize(user + before, axis=1)

    def _states(self, item: Any, weight: Any, window: Any, dropout: "_Dropout") -> Any:
        """What each place says of the items up to it, in its window: `[rows, length, dim]`."""
        place = tf.range(tf.shape(item)[1])
        age = place[:, tf.newaxis] - place
        is_seen = (age >= 0) & (age < self._max_history) & (window[:, :, tf.newaxis] == window[:, tf.newaxis, :])
        mask = tf.where(is_seen, tf.math.log(weight)[:, tf.newaxis, :], _MASKED)
        age = tf.clip_by_value(age, 0, self._max_history - 1)
        embedded = embed(self._item_tables, item)
        pooled = tf.nn.softmax(mask + tf.gather(self._bias_of_age, age)) @ embedded
        state = dropout(embedded)
        for block in self.blocks:
            state = block(state, age, mask, dropout)
        return pooled @ self.projection + state @ self.attended_projection


class AttentionBlock(tf.Module):
    """A block: causal self-attention, then a feed-forward layer; each takes its input normalised, and is added to it.

    Attributes:
        arrays: The block's variables by their names.
        additive: Names of those whose products are added to the state.
    """

    def __init__(self, name: str, dim: int, heads: int, bias_of_age: Any, seed: int) -> None:
        """Makes fresh weights.

        Args:
            name: Prefix of the variables' names.
            dim: Length of a state.
            heads: Heads of the attention.
            bias_of_age: float32 `[max_history]`, the first bias of each head.
            seed: Seed of the initial weights.
        """
        super().__init__(name=name)
        self._heads = heads
        self._width = dim // heads

        def variable(part: str, values: Any) -> Any:
            return tf.Variable(values, name=f"{name}_{part}", dtype=tf.float32)

        def matrix(part: str, columns: int) -> Any:
            rng = np.random.default_rng([seed, *f"{name}_{part}".encode()])
            return variable(part, _INITIAL_SCALE / math.sqrt(dim) * rng.normal(size=(dim, columns)))

        self._attention_gain = variable("attention_gain", np.ones(dim))
        self._mix, self._output = matrix("query_key_value", 3 * dim), matrix("output", dim)
        self._age_bias = variable("age_bias", np.tile(bias_of_age, (heads, 1)))
        self._inner_gain = variable("inner_gain", np.ones(dim))
        self._inner, self._outer = matrix("inner", dim), matrix("outer", dim)
        self._inner_bias = variable("inner_bias", np.zeros(dim))
        self.additive = (f"{name}_output", f"{name}_outer")
        self.arrays = {each.name.split(":")[0]: each for each in self.trainable_variables}

    def __call__(self, state: Any, age: Any, mask: Any, dropout: "_Dropout") -> Any:
        """Changes states.

        Args:
            state: float32 `[rows, length, dim]`.
            age: int32 `[length, length]`, how much older the column's item is than the row's, within `max_history`.
            mask: float32 `[rows, length, length]`, added to the logits of attention.
            dropout: Drops values of what is added.
        """
        rows, length, dim = tf.shape(state)[0], tf.shape(state)[1], state.shape[2]
        mixed = tf.reshape(
            _normalised(state, self._attention_gain) @ self._mix, [rows, length, 3, self._heads, self._width]
        )
        query, key, value = tf.unstack(tf.transpose(mixed, [2, 0, 3, 1, 4]))
        logits = tf.matmul(query / math.sqrt(self._width), key, transpose_b=True)
        logits += tf.gather(self._age_bias, age, axis=1) + mask[:, tf.newaxis]
        found = tf.transpose(tf.nn.softmax(logits) @ value, [0, 2, 1, 3])
        state += dropout(tf.reshape(found, [rows, length, dim]) @ self._output)
        inner = tf.nn.relu(_normalised(state, self._inner_gain) @ self._inner + self._inner_bias)
        return state + dropout(inner @ self._outer)


_INITIAL_SCALE = 0.3
"""Fresh matrices are so much smaller than those that keep lengths."""


class _Dropout:
    """Drops values in training, by another mask at each call; without a seed it drops none."""

    def __init__(self, rate: float, seed: Any) -> None:
        self._rate, self._seed, self._calls = rate, seed, 0

    def __call__(self, values: Any) -> Any:
        if self._seed is None or not self._rate:
            return values
        self._calls += 1
        return tf.nn.experimental.stateless_dropout(values, self._rate, self._seed[0] ^ [0, self._calls])


def _normalised(state: Any, gain: Any) -> Any:
    """Root mean square normalisation (Zhang and Sennrich 2019)."""
    return gain * state * tf.math.rsqrt(tf.reduce_mean(tf.square(state), axis=-1, keepdims=True) + 1e-6)
