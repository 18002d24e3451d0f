"""Recall, nDCG and hit rate on held-out interactions, over the full catalogue, beside the popularity baseline."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from serving_signatures.ranking import best_places, catalogue_scores
from trainer.candidates import Candidates
from trainer.interactions import Interactions
from trainer.metrics import ranking_metrics
from trainer.pieces import pieces
from trainer.two_tower import TwoTower

_VALUES_A_BLOCK = 1 << 24
"""Scores and embeddings held at a time: 64 MiB of float32."""


class Evaluator:
    """Ranks the whole catalogue for each user of the eval split, what the user has met in training left out.

    The ranking is the served one: a user of whom nothing is known gets the popular items, and what a user has met is
    never recommended. A target met before, which a log that keeps repeats can hold, is therefore a miss, like one
    outside the catalogue: dropping it would measure the model on the easier part of what users do. Both are counted, so
    that a reader knows how much no ranking could have reached. A target that stands twice is one target.

    Attributes:
        counts: `users` with a target, after the cut to `max_users`, and `users_before_cut`; their different `targets`,
            of which `targets_met` are in the user's history and `targets_outside_catalogue` are not in the catalogue.
    """

    def __init__(
        self,
        held_out: Interactions,
        candidates: Candidates,
        popularity: npt.NDArray[np.float32],
        ks: Sequence[int],
        max_users: int | None = None,
    ) -> None:
        """Looks up the targets.

        Args:
            held_out: The eval split.
            candidates: The catalogue.
            popularity: `[items]`, each item's share of the training interactions.
            ks: The k of the metrics.
            max_users: Evaluate this many users, the first. None: all.
        """
        has_target = np.flatnonzero(np.diff(held_out.target_offset))
        self._held_out = held_out = held_out.take(has_target[:max_users])
        self._candidates = candidates
        self._popularity = tf.constant(popularity)
        self._ks = tuple(ks)
        # Items outside the catalogue get numbers after it: two of them are two targets.
        number_of = {item: place for place, item in enumerate(candidates.item_id)}
        number = np.array([number_of.setdefault(item, len(number_of)) for item in held_out.target], np.int64)
        numbers = len(number_of)
        row = np.repeat(np.arange(held_out.users), np.diff(held_out.target_offset))
        pairs = np.unique(row * numbers + number)
        self._target_row, number = np.divmod(pairs, numbers)
        self._target = np.where(number < candidates.items, number, -1)
        met_row = np.repeat(np.arange(held_out.users), np.diff(held_out.offset))
        met = np.isin(pairs, met_row * numbers + candidates.place[held_out.item])
        self.counts = {
            "users_before_cut": len(has_target),
            "users": held_out.users,
            "targets": len(pairs),
            "targets_met": int(met.sum()),
            "targets_outside_catalogue": int((self._target < 0).sum()),
        }

    def evaluate(self, model: TwoTower) -> dict[str, float]:
        """The metrics of a model; names as `trainer.metrics`."""
        embedding = tf.constant(embed_catalogue(model, self._candidates))

        def scores(users: slice, history: Any) -> Any:
            return catalogue_scores(self._embed(model, users, history), embedding, self._popularity)

        return self._measure(scores)

    def evaluate_popularity(self) -> dict[str, float]:
        """The metrics of the same ranking for everyone: most interactions first."""
        return self._measure(
            lambda users, history: tf.repeat(self._popularity[tf.newaxis], history.nrows(), axis=0),
        )

    def embed_queries(self, model: TwoTower) -> npt.NDArray[np.float32]:
        """Query embeddings of the evaluated users, `[users, dim]`."""
        dim = model.query_tower.dim
        blocks = pieces(dim * (1 + np.diff(self._held_out.offset)), _VALUES_A_BLOCK)
        return np.concatenate([self._embed(model, users, self._history(users)).numpy() for users in blocks])

    def _embed(self, model: TwoTower, users: slice, history: Any) -> Any:
        weight = tf.constant(self._held_out.weight[self._interactions(users)])
        return model.query_tower(tf.constant(self._held_out.user[users]), history, history.with_values(weight))

    def _measure(self, scores: Callable[[slice, Any], Any]) -> dict[str, float]:
        ranked = []
        for users in pieces(self._candidates.items + np.diff(self._held_out.offset), _VALUES_A_BLOCK):
            history = self._history(users)
            seen_place = tf.gather(self._candidates.place, history.values)
            scored = scores(users, history)
            place, _ = best_places(scored, history.value_rowids(), tf.cast(seen_place, tf.int64), max(self._ks))
            ranked.append(place.numpy())
        return ranking_metrics(np.concatenate(ranked), self._target_row, self._target, self._ks)

    def _history(self, users: slice) -> Any:
        offset = self._held_out.offset[users.start : users.stop + 1]
        return tf.RaggedTensor.from_row_splits(self._held_out.item[self._interactions(users)], offset - offset[0])

    def _interactions(self, users: slice) -> slice:
        return slice(self._held_out.offset[users.start], self._held_out.offset[users.stop])


def embed_catalogue(model: TwoTower, candidates: Candidates, items_a_block: int = 1 << 16) -> npt.NDArray[np.float32]:
    """Embeddings of all items.

    Args:
        model: The model.
        candidates: The catalogue.
        items_a_block: Items embedded at a time, which bounds the memory of their content.

    Returns:
        `[items, dim]`.
    """
    blocks = [
        model.candidate_tower(tf.range(start, min(start + items_a_block, candidates.items))).numpy()
        for start in range(0, candidates.items, items_a_block)
    ]
    return np.concatenate(blocks)
