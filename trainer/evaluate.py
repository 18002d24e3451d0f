"""Measures recall, nDCG and hit rate on held-out interactions, over the full catalogue, beside popularity."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from configs.leave_out import LeaveOut
from serving_signatures.ranking import best_places
from trainer.candidates import Candidates
from trainer.chunks import chunks
from trainer.histories import Histories
from trainer.metrics import mean_metrics, target_ranks, user_metrics
from trainer.popularity import popularity_ranking
from trainer.targets import find_targets

_VALUES_A_CHUNK = 1 << 24
"""Scores and embeddings held at a time: 64 MiB of float32."""


class Evaluator:
    """Ranks the whole catalogue for each user of the eval split, without what the served model leaves out.

    The ranking is the served one: a user about whom nothing is known gets the popular items. `Targets` says what counts
    as a target, and which targets are misses for every ranking.

    Attributes:
        counts: `users` with a target, after the cut to `max_users`, and `users_before_cut`; their different `targets`,
            of which `targets_met` are left out, as the user has met them, and `targets_outside_catalogue` are not in
            the catalogue.
        choosing_metric: The metric by which a choice is made: nDCG at the largest k, which varies least by chance.
    """

    def __init__(
        self,
        held_out: Histories,
        candidates: Candidates,
        popularity: npt.NDArray[np.float32],
        ks: Sequence[int],
        leave_out: LeaveOut = "everything",
        max_users: int | None = None,
    ) -> None:
        """Looks up the targets.

        Args:
            held_out: The eval split.
            candidates: The catalogue.
            popularity: `[items]`, each item's share of the training interactions.
            ks: The k of the metrics.
            leave_out: What is left out.
            max_users: Evaluate the first `max_users` users. None: all.
        """
        has_target = np.flatnonzero(np.diff(held_out.target_offset))
        self._held_out = held_out = held_out.take(has_target[:max_users])
        self._left_out = held_out.with_items(candidates.place).left_out(leave_out)
        self._candidates = candidates
        self._popularity = popularity
        self._ks = tuple(ks)
        self._targets = find_targets(self._left_out, candidates.item_id)
        self.counts = {"users_before_cut": len(has_target), "users": held_out.users, **self._targets.counts}
        self.choosing_metric = f"ndcg@{max(self._ks)}"

    def evaluate(self, scores: Callable[[Any, Any, Any], tuple[Any, Any]]) -> dict[str, float]:
        """The metrics of a model; their names are those of `trainer.metrics`.

        Args:
            scores: As `ServedModel.scores`.
        """
        return mean_metrics(self.by_user(scores))

    def by_user(self, scores: Callable[[Any, Any, Any], tuple[Any, Any]]) -> dict[str, npt.NDArray[np.float64]]:
        """The metrics of each user, `[users]`, in the order of the eval split; see `evaluate`."""
        (of_model,) = self.each_by_user(lambda *query: [scores(*query)])
        return of_model

    def each_by_user(
        self, scores: Callable[[Any, Any, Any], Sequence[tuple[Any, Any]]]
    ) -> list[dict[str, npt.NDArray[np.float64]]]:
        """The metrics of several models that are asked at once, so that they can share work; see `by_user`.

        Args:
            scores: Gives, for each model, what `ServedModel.scores` gives.
        """
        popularity = tf.constant(self._popularity)
        ranked: list[list[npt.NDArray[np.int32]]] = []
        for users in chunks(self._candidates.items + self._held_out.length, _VALUES_A_CHUNK):
            row, left_out, _ = self._left_out.inside(np.arange(users.start, users.stop))
            left_out_row, left_out_place = tf.constant(row, tf.int64), tf.constant(left_out, tf.int64)
            of_models = []
            for found, is_known in scores(*self._who(users)):
                known = tf.where(is_known[:, tf.newaxis], found, popularity)
                place, _ = best_places(known, left_out_row, left_out_place, max(self._ks))
                of_models.append(place.numpy())
            ranked.append(of_models)
        return [self._metrics(np.concatenate(of_model)) for of_model in zip(*ranked, strict=True)]

    @functools.cached_property
    def popularity(self) -> dict[str, float]:
        """The metrics of the popularity ranking, which is the same for every user: most interactions first."""
        k = min(max(self._ks), self._candidates.items)
        return mean_metrics(self._metrics(popularity_ranking(self._left_out, self._popularity, k)))

    def embed_queries(self, embed: Callable[[Any, Any, Any], Any], dim: int) -> npt.NDArray[np.float32]:
        """Query embeddings of the evaluated users.

        Args:
            embed: As `CosineModel.embed`.
            dim: Length of an embedding.

        Returns:
            `[users, dim]`.
        """
        parts = chunks(dim * (1 + self._held_out.length), _VALUES_A_CHUNK)
        return np.concatenate([embed(*self._who(users)).numpy() for users in parts])

    def _who(self, users: slice) -> tuple[Any, Any, Any]:
        """Users, their histories, and the weights of these."""
        history = self._history(users)
        weight = tf.constant(self._held_out.weight[self._interactions(users)])
        return tf.constant(self._held_out.user[users]), history, history.with_values(weight)

    def _metrics(self, ranked: npt.NDArray[np.int32]) -> dict[str, npt.NDArray[np.float64]]:
        users, length = ranked.shape
        row = self._targets.row
        return user_metrics(target_ranks(ranked, row, self._targets.place), row, users, length, self._ks)

    def _history(self, users: slice) -> Any:
        offset = self._held_out.offset[users.start : users.stop + 1]
        return tf.RaggedTensor.from_row_splits(self._held_out.item[self._interactions(users)], offset - offset[0])

    def _interactions(self, users: slice) -> slice:
        return slice(self._held_out.offset[users.start], self._held_out.offset[users.stop])
