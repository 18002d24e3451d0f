"""Defines the served model: it solves for the factor of each asked user, in plain ops, and scores the catalogue."""

from typing import Any

import numpy as np
import tensorflow as tf

from configs.models.ials import Ials
from serving_signatures.served_model import ServedModel
from trainer.candidates import Candidates
from trainer.models.ials.entries import Floats
from trainer.models.ials.solve import Objective


class ServedIals(ServedModel):
    """Factors of items, and the fold-in of users.

    A user's factor is what training would solve for that history, so a new user is served as one whom training has
    seen, and no user is stored. The confidence of an interaction is its weight, divided by the mean weight of the
    newest `max_history`, as training does with all, or 1 if events do not weigh; times `history_decay` for each newer
    one.

    Scores are no cosines, so the factors are no embeddings that a client could rank by: the length of an item's factor
    tells its popularity, too.

    Attributes:
        item_embedding: Variable float32 `[items, dim]`, the factors by place; zero for an item without interactions.
    """

    def __init__(self, factors: Floats, candidates: Candidates, settings: Ials, objective: Objective) -> None:
        """Makes the model of trained factors.

        Args:
            factors: `[rows, dim]`, of the interacted items.
            candidates: The catalogue.
            settings: The model's settings.
            objective: What training has minimised.
        """
        super().__init__(name="ials")
        by_place = np.zeros((candidates.items, factors.shape[1]), np.float32)
        by_place[candidates.place] = factors
        length = np.linalg.norm(by_place, axis=1)
        inverse = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        self.item_embedding = tf.Variable(by_place, trainable=False, name="item_embedding")
        self._inverse_length = tf.Variable(inverse, trainable=False, name="inverse_length")
        self._place = tf.Variable(candidates.place, trainable=False, name="place")
        unobserved = objective.unobserved_weight * (factors.T.astype(np.float64) @ factors)
        self._unobserved = tf.Variable(unobserved.astype(np.float32), trainable=False, name="unobserved")
        self._objective = objective
        self._max_history, self._decay = settings.max_history, settings.decay
        self._weighs = settings.use_event_weights
        self._rows = len(factors)

    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """Scores all items; see `ServedModel.scores`.

        Args:
            user: int64 `[n]`, not used: the history says all.
            history: int RaggedTensor `[n, (h)]`, rows, oldest first.
            weight: float32 RaggedTensor of the same shape, above zero and finite, of any size.

        Returns:
            float32 `[n, items]`: near 1 for items that the user would like, near 0 for others. An item without
            interactions has the lowest score of its row, zero at most. And bool `[n]`, whether there is a history.
        """
        del user
        scores = tf.matmul(self.fold_in(history, weight), self.item_embedding, transpose_b=True)
        lowest = tf.minimum(tf.reduce_min(scores, axis=1, keepdims=True), 0.0)
        return tf.where(self._inverse_length > 0, scores, lowest), history.row_lengths() > 0

    def fold_in(self, history: Any, weight: Any) -> Any:
        """Solves for the factors of users.

        Args:
            history: As in `scores`.
            weight: As in `scores`.

        Returns:
            float32 `[n, dim]`; zero for an empty history.
        """
        objective = self._objective
        length = tf.minimum(history.row_lengths(), self._max_history)
        # Dense, [n, h], the newest last. The zero stands for an empty batch, of which there is no maximum.
        age = length[:, tf.newaxis] - 1 - tf.range(tf.reduce_max(tf.concat([length, [0]], axis=0)))
        is_entry = age >= 0
        at = tf.where(is_entry, history.row_limits()[:, tf.newaxis] - 1 - age, 0)
        weights = tf.gather(weight.values, at) if self._weighs else tf.ones_like(at, tf.float32)
        confidence = tf.where(is_entry, weights, 0.0)
        confidence = _relative_to_mean(confidence, tf.cast(length, tf.float32))
        confidence *= tf.pow(self._decay, tf.cast(tf.maximum(age, 0), tf.float32))
        x = tf.gather(self.item_embedding, tf.gather(self._place, tf.gather(history.values, at)))
        weighted = x * confidence[:, :, tf.newaxis]
        mass = tf.reduce_sum(confidence, axis=1)
        scale = tf.pow(mass + objective.unobserved_weight * self._rows, objective.frequency_exponent)
        equations = tf.matmul(weighted, x, transpose_a=True) + self._unobserved
        equations = tf.linalg.set_diag(
            equations, tf.linalg.diag_part(equations) + objective.regularisation * scale[:, tf.newaxis]
        )
        wanted = tf.reduce_sum(weighted, axis=1)[:, :, tf.newaxis]
        return tf.linalg.cholesky_solve(tf.linalg.cholesky(equations), wanted)[:, :, 0]

    def similar(self, place: Any) -> tuple[Any, Any]:
        """Compares items by the cosine of their factors; see `ServedModel.similar`.

        Args:
            place: int64 `[n]`.

        Returns:
            float32 `[n, items]`, minus infinity for an item without interactions; and bool `[n]`, whether the item at
            the place has interactions. If not, the row has no meaning.
        """
        is_place = (place >= 0) & (place < tf.size(self._inverse_length, tf.int64))
        place = tf.where(is_place, place, 0)
        scale = tf.where(is_place, tf.gather(self._inverse_length, place), 0.0)
        direction = tf.gather(self.item_embedding, place) * scale[:, tf.newaxis]
        cosine = tf.matmul(direction, self.item_embedding, transpose_b=True) * self._inverse_length
        return tf.where(self._inverse_length > 0, cosine, -float("inf")), scale > 0


def _relative_to_mean(weight: Any, length: Any) -> Any:
    """Divides the weights `[n, h]` of rows of `length` entries, zero beyond, by the mean of each row's entries."""
    # By the largest first: the sum of a row must not overflow.
    weight = tf.math.divide_no_nan(weight, tf.reduce_max(weight, axis=1, keepdims=True))
    return weight * tf.math.divide_no_nan(length, tf.reduce_sum(weight, axis=1))[:, tf.newaxis]
