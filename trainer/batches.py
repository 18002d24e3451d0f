"""The input pipeline: an epoch is a seeded permutation of all interactions, cut into batches.

A training example is one interaction. Its query is the user and the interactions of that user that came before: what
serving will have when it is asked for the next one. The target is thus never in its own history, and where a log
repeats it, the repeats are left out too.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs.model import Trainer
from trainer.candidates import Candidates
from trainer.interactions import Interactions


class Batches:
    """Makes the batches of each epoch.

    A batch is a dict:

    | key | holds |
    |---|---|
    | `user` | int32 `[batch]`, -1 where the user's own embedding is left out |
    | `history` | int32 RaggedTensor `[batch, (h)]`, item rows, oldest first |
    | `history_weight` | float32 RaggedTensor `[batch, (h)]` |
    | `candidate` | int32 `[c]`, the different items of the batch, as rows |
    | `candidate_place` | int32 `[c]`, their places in the catalogue |
    | `candidate_count` | int32 `[c]`, how often each is a target in the batch |
    | `target` | int32 `[batch]`, each example's index in `candidate` |
    | `weight` | float32 `[batch]`, the interaction's weight |
    """

    def __init__(self, interactions: Interactions, candidates: Candidates, settings: Trainer) -> None:
        """Places the interactions where TensorFlow reads them.

        Args:
            interactions: The train split, with at least two interactions.
            candidates: The catalogue.
            settings: Of the batches: their size, cut to the number of interactions; the length of histories; how often
                the user is left out; the seed of the order.
        """
        self._size = len(interactions.item)
        self._batch_size = min(settings.batch_size, self._size)
        self._max_history = settings.max_history
        self._user_id_dropout = settings.user_id_dropout
        self._seed = settings.seed
        row = np.repeat(np.arange(interactions.users), np.diff(interactions.offset))
        self._user = tf.constant(interactions.user[row])
        self._start = tf.constant(interactions.offset[:-1][row])
        self._item = tf.constant(interactions.item)
        self._weight = tf.constant(interactions.weight)
        self._place = tf.constant(candidates.place)

    @property
    def steps(self) -> int:
        """Batches in an epoch. The interactions that do not fill a last batch wait for another epoch's order."""
        return self._size // self._batch_size

    def epoch(self, number: int) -> Any:
        """One epoch's `tf.data.Dataset`; the same number always gives the same batches."""
        rng = np.random.default_rng([self._seed, number])
        position = rng.permutation(self._size)
        keep_user = rng.random(self._size) >= self._user_id_dropout
        return (
            tf.data.Dataset.from_tensor_slices((position, keep_user))
            .batch(self._batch_size, drop_remainder=True)
            .map(self._batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    @tf.autograph.experimental.do_not_convert
    def _batch(self, position: Any, keep_user: Any) -> dict[str, Any]:
        first = tf.maximum(tf.gather(self._start, position), position - self._max_history)
        ahead = tf.ragged.range(first, position)
        target = tf.gather(self._item, position)
        is_other = tf.gather(self._item, ahead.values) != tf.gather(target, ahead.value_rowids())
        ahead = tf.ragged.boolean_mask(ahead, ahead.with_values(is_other))
        candidate, index, count = tf.unique_with_counts(target)
        return {
            "user": tf.where(keep_user | (ahead.row_lengths() == 0), tf.gather(self._user, position), -1),
            "history": ahead.with_values(tf.gather(self._item, ahead.values)),
            "history_weight": ahead.with_values(tf.gather(self._weight, ahead.values)),
            "candidate": candidate,
            "candidate_place": tf.gather(self._place, candidate),
            "candidate_count": count,
            "target": index,
            "weight": tf.gather(self._weight, position),
        }
