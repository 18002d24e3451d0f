"""The input pipeline of a query tower with attention: one row of interactions has as many examples as interactions.

The histories of all users, in a random order of users, make one stream. It is cut into rows, without padding; a window
is the part of one user in one row. Every interaction is the target of one example, whose history is what comes before
it in its window. So the items of a window are embedded once, and not once for each example. A row is twice as long as a
history, so that a cut shortens few histories; the cuts of each epoch fall elsewhere.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs.models.two_tower import TwoTower
from trainer.candidates import Candidates
from trainer.histories import Histories
from trainer.models.two_tower.epoch import Batch, epoch_of, uniform_draws
from trainer.models.two_tower.sampling import batch_candidates

_OF_A_ROW = ("user", "item", "item_weight", "window", "target", "excluded", "weight", "seed")
"""The keys of a batch that have one value for each row; the other keys belong to the whole batch."""


class Windows:
    """Makes the batches of each epoch.

    A batch has `rows` of `length` interactions. It is a dict:

    | key | holds |
    |---|---|
    | `user` | int32 `[rows, length]`, -1 where the user's own embedding is left out |
    | `item` | int32 `[rows, length]`, item rows |
    | `item_weight` | float32 `[rows, length]`, the interaction's weight, in a history |
    | `window` | int32 `[rows, length]`, a number for each window, unlike its neighbours' in the row |
    | `candidate`, `negatives`, `candidate_count` | as in `batch_candidates` |
    | `target` | int32 `[rows, length]`, the index in `candidate` of each item |
    | `candidate_place` | int32 `[c]`, the candidates' places in the catalogue |
    | `excluded` | int32 `[rows, length, length]`, the indices of the items of the example's window, else -1 |
    | `weight` | float32 `[rows, length]`, the interaction's weight as a target; 0 if its item is in its own history |
    | `total_weight` | float32 `[]`, the sum of `weight` |
    | `seed` | int32 `[rows, 2]`, for dropout |

    The items of a window are in the batch for sure, and not with the probability that log-Q corrects for; so they are
    no negatives for each other.
    """

    def __init__(self, interactions: Histories, candidates: Candidates, settings: TwoTower, replicas: int = 1) -> None:
        """Sizes the batches.

        Args:
            interactions: The train split, with at least two interactions.
            candidates: The catalogue.
            settings: The batch size, which is cut to the number of interactions; the length of histories; the
                negatives; how often the user is left out; the seed.
            replicas: The number of shards of a batch.
        """
        self._interactions = interactions
        self._settings = settings
        self._replicas = replicas
        size = len(interactions.item)
        self._length = min(2 * settings.history_limit, settings.batch_size, size)
        self._rows = max(1, min(settings.batch_size, size) // self._length)
        self._place = tf.constant(candidates.place)

    @property
    def steps(self) -> int:
        """Batches in an epoch. Interactions that do not fill a last batch are left out of this epoch."""
        return len(self._interactions.item) // self.examples

    @property
    def examples(self) -> int:
        """Examples in a batch."""
        return self._rows * self._length

    @property
    def interactions(self) -> int:
        """Interactions in an epoch's batches."""
        return self.steps * self.examples

    def epoch(self, number: int) -> Any:
        """One epoch's `tf.data.Dataset`; the same number always gives the same batches."""
        rng = np.random.default_rng([self._settings.seed, number])
        stream = self._interactions.take(rng.permutation(self._interactions.users))
        row = stream.row
        keep_user = rng.random(len(row)) >= self._settings.user_id_dropout
        user = tf.constant(np.where(keep_user, stream.user[row], -1).astype(np.int32))
        own = tf.constant(stream.user[row].astype(np.int32))
        item, weight, window = tf.constant(stream.item), tf.constant(stream.weight), tf.constant(row.astype(np.int32))
        drawn = uniform_draws(rng, self.steps, self._settings.uniform_negatives, len(self._place))
        seeds = tf.constant(rng.integers(1 << 30, size=(self.steps, 1, 2), dtype=np.int32))
        shape = [self._rows, self._length]

        def batch(step: Any) -> Batch:
            def part(values: Any) -> Any:
                return tf.reshape(values[step * self.examples : (step + 1) * self.examples], shape)

            made = self._batch(part(item), part(weight), part(window), drawn[step])
            # An example without a history keeps the embedding.
            made["user"] = tf.where(_is_first(made["window"]), part(own), part(user))
            made["seed"] = seeds[step] + tf.range(self._rows)[:, tf.newaxis]
            return made

        return epoch_of(batch, self.steps, self._rows, _OF_A_ROW, self._replicas)

    def _batch(self, item: Any, weight: Any, window: Any, drawn: Any) -> Batch:
        sampled = batch_candidates(tf.reshape(item, [-1]), drawn, batch_negatives=self._settings.batch_negatives)
        target = tf.reshape(sampled["target"], tf.shape(item))
        is_same = window[:, :, tf.newaxis] == window[:, tf.newaxis, :]
        is_repeat = is_same & (item[:, :, tf.newaxis] == item[:, tf.newaxis, :]) & _is_before(self._length)
        weight_of_target = tf.where(tf.reduce_any(is_repeat, axis=2), 0.0, weight)
        return {
            **sampled,
            "item": item,
            "item_weight": weight,
            "window": window,
            "target": target,
            "candidate_place": tf.gather(self._place, sampled["candidate"]),
            "excluded": tf.where(is_same, target[:, tf.newaxis, :], -1),
            "weight": weight_of_target,
            "total_weight": tf.reduce_sum(weight_of_target),
        }


def _is_first(window: Any) -> Any:
    """Which places begin a window, bool `[rows, length]`."""
    return tf.concat([tf.ones_like(window[:, :1], tf.bool), window[:, 1:] != window[:, :-1]], axis=1)


def _is_before(length: int) -> Any:
    """Whether the column comes before the row, bool `[length, length]`."""
    return tf.constant(np.tri(length, k=-1, dtype=bool))
