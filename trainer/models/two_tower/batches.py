"""The input pipeline: an epoch is a seeded permutation of all interactions, cut into batches.

A training example is one interaction. Its query is the user and the earlier interactions of that user, which is what
serving has when it is asked for the next item. If the log has no order in time, the query has all other interactions of
that user: "earlier" means nothing there, and in a file sorted by item the model would learn the sort order. The target
is never in its own history; if a log repeats the target, the repeats are left out too.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs.models.two_tower import TwoTower
from trainer.candidates import Candidates
from trainer.histories import Histories
from trainer.models.two_tower.epoch import epoch_of, uniform_draws
from trainer.models.two_tower.sampling import batch_candidates

_OF_A_QUERY = ("user", "history", "history_weight", "target", "excluded", "weight")
"""The keys of a batch that have one value for each query; the other keys belong to the whole batch."""


class Batches:
    """Makes the batches of each epoch.

    A batch is a dict:

    | key | holds |
    |---|---|
    | `user` | int32 `[batch]`, -1 where the user's own embedding is left out |
    | `history` | int32 RaggedTensor `[batch, (h)]`, item rows, oldest first |
    | `history_weight` | float32 RaggedTensor `[batch, (h)]` |
    | `candidate`, `negatives`, `candidate_count`, `target` | as in `batch_candidates` |
    | `candidate_place` | int32 `[c]`, the candidates' places in the catalogue |
    | `excluded` | int32 `[batch, 1]`, an index in `candidate`: the query's own item is not its negative |
    | `weight` | float32 `[batch]`, the interaction's weight |
    | `total_weight` | float32 `[]`, their sum |

    For several replicas a batch is cut into shards. Each shard has its part of the queries, but all candidates of the
    batch and the batch's `total_weight`.
    """

    def __init__(self, interactions: Histories, candidates: Candidates, settings: TwoTower, replicas: int = 1) -> None:
        """Puts the interactions into tensors.

        Args:
            interactions: The train split, with at least two interactions.
            candidates: The catalogue.
            settings: The batch size, which is cut to the number of interactions; the length and order of histories;
                the negatives; how often the user is left out; the seed.
            replicas: The number of shards of a batch.
        """
        self._size = len(interactions.item)
        self._batch_size = min(settings.batch_size, self._size)
        self._settings = settings
        self._replicas = replicas
        self._row = interactions.row
        self._user = tf.constant(interactions.user[self._row])
        self._start = tf.constant(interactions.offset[:-1][self._row])
        self._end = tf.constant(interactions.offset[1:][self._row])
        self._item = interactions.item
        self._weight = interactions.weight
        self._place = tf.constant(candidates.place)

    @property
    def steps(self) -> int:
        """Batches in an epoch. Interactions that do not fill a last batch are left out of this epoch."""
        return self._size // self._batch_size

    @property
    def interactions(self) -> int:
        """Interactions in an epoch's batches."""
        return self.steps * self._batch_size

    def epoch(self, number: int) -> Any:
        """One epoch's `tf.data.Dataset`; the same number always gives the same batches.

        With several replicas, the shards of a batch follow each other.
        """
        rng = np.random.default_rng([self._settings.seed, number])
        item, weight = self._item, self._weight
        if not self._settings.is_ordered:
            # In a shuffled history, the neighbours of a target are a random sample of all others.
            order = np.lexsort((rng.random(self._size), self._row))
            item, weight = item[order], weight[order]
        item, weight = tf.constant(item), tf.constant(weight)
        positions = tf.constant(rng.permutation(self._size))
        keep_user = tf.constant(rng.random(self._size) >= self._settings.user_id_dropout)

        drawn = uniform_draws(rng, self.steps, self._settings.uniform_negatives, len(self._place))

        def batch(step: Any) -> dict[str, Any]:
            # Slices of whole batches: tf.data would take the interactions one by one.
            rows = slice(step * self._batch_size, (step + 1) * self._batch_size)
            return self._batch(positions[rows], keep_user[rows], drawn[step], item, weight)

        return epoch_of(batch, self.steps, self._batch_size, _OF_A_QUERY, self._replicas)

    def _batch(self, position: Any, keep_user: Any, drawn: Any, item: Any, weight: Any) -> dict[str, Any]:
        history = self._history(position)
        target = tf.gather(item, position)
        is_other = tf.gather(item, history.values) != tf.gather(target, history.value_rowids())
        history = tf.ragged.boolean_mask(history, history.with_values(is_other))
        sampled = batch_candidates(target, drawn, batch_negatives=self._settings.batch_negatives)
        weight_of_query = tf.gather(weight, position)
        return {
            "user": tf.where(keep_user | (history.row_lengths() == 0), tf.gather(self._user, position), -1),
            "history": history.with_values(tf.gather(item, history.values)),
            "history_weight": history.with_values(tf.gather(weight, history.values)),
            **sampled,
            "candidate_place": tf.gather(self._place, sampled["candidate"]),
            "excluded": sampled["target"][:, tf.newaxis],
            "weight": weight_of_query,
            "total_weight": tf.reduce_sum(weight_of_query),
        }

    def _history(self, position: Any) -> Any:
        """Positions of the interactions in each example's history, int64 RaggedTensor `[batch, (h)]`."""
        start = tf.gather(self._start, position)
        if self._settings.is_ordered:
            return tf.ragged.range(tf.maximum(start, position - self._settings.history_limit), position)
        # The target is among these positions; `_batch` removes it together with its repeats.
        end = tf.minimum(tf.gather(self._end, position), position + self._settings.history_limit // 2 + 1)
        first = tf.maximum(start, end - self._settings.history_limit - 1)
        return tf.ragged.range(
            first, tf.minimum(tf.gather(self._end, position), first + self._settings.history_limit + 1)
        )
