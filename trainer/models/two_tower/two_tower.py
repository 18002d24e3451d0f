"""Defines the two-tower model: it joins embeddings, towers and loss."""

from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from configs.models.two_tower import TwoTower
from trainer.candidates import Candidates
from trainer.histories import Histories
from trainer.models.two_tower.attention import AttentionTower
from trainer.models.two_tower.loss import SampledSoftmax
from trainer.models.two_tower.optimizers import LazyAdam
from trainer.models.two_tower.sampling import log_sampling_probability
from trainer.models.two_tower.towers import CandidateTower, QueryTower, embedding


class TwoTowerModel(tfrs.Model):
    """Learns to place a query near the items that its user interacts with next.

    Attributes:
        query_tower: Embeds users and histories.
        candidate_tower: Embeds items by their place in the catalogue.
    """

    def __init__(self, users: int, interactions: Histories, candidates: Candidates, settings: TwoTower) -> None:
        """Makes fresh towers and an optimizer.

        Args:
            users: Users in the vocabulary.
            interactions: The train split; its counts are the sampling probabilities.
            candidates: The catalogue.
            settings: Hyperparameters.
        """
        super().__init__(name="two_tower")
        rows = len(candidates.place)
        item_embedding = embedding("item_embedding", rows, settings.embedding_dim, settings.seed)
        self._history_offset = None
        if settings.own_history_table:
            self._history_offset = tf.Variable(tf.zeros_like(item_embedding), name=HISTORY_TABLE)
        self.query_tower = _query_tower(users, item_embedding, self._history_offset, settings)
        self.candidate_tower = CandidateTower(candidates, item_embedding, settings.seed)
        self._task = SampledSoftmax(settings.temperature)
        self._log_probability = tf.constant(log_sampling_probability(interactions.item, rows, settings))
        self._epoch_loss = tf.keras.metrics.Mean(name="mean_loss")
        optimizer = _OPTIMIZERS[settings.optimizer](settings.step_size)
        # Without this, the first step makes its variables and TensorFlow traces the step twice, which takes 1 s more.
        optimizer.build(self.trainable_variables)
        self.compile(optimizer=optimizer)

    @property
    def tables(self) -> dict[str, Any]:
        """The embedding tables, Variables `[rows, dim]` by their names."""
        content = {f"content_{name}_embedding": table for name, table in self.candidate_tower.content_embedding.items()}
        items, users = self.candidate_tower.item_embedding, self.query_tower.user_embedding
        history = {HISTORY_TABLE: self._history_offset} if self._history_offset is not None else {}
        return {"item_embedding": items, "user_embedding": users, **history, **content}

    # Nothing here branches on a tensor, and AutoGraph would spend 6 s on rewriting Keras' own code.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """One step of the optimizer; the loss is averaged over the epoch as `mean_loss`."""
        return super().train_step(inputs)

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """The loss of one batch of `Batches` or `Windows`, float32 `[]`; with several replicas, this one's part."""
        target = tf.reshape(inputs["target"], [-1])
        loss = self._task(
            query_embeddings=self.query_tower.queries(inputs),
            candidate_embeddings=self.candidate_tower(inputs["candidate_place"]),
            target=target,
            negatives=inputs["negatives"],
            excluded=tf.reshape(inputs["excluded"], [tf.size(target), -1]),
            candidate_count=inputs["candidate_count"],
            candidate_log_probability=tf.gather(self._log_probability, inputs["candidate"]),
            sample_weight=tf.reshape(inputs["weight"], [-1]),
            total_weight=inputs["total_weight"],
        )
        # The metric averages over replicas too, and their losses are parts of one.
        self._epoch_loss.update_state(loss * self.distribute_strategy.num_replicas_in_sync)
        return loss


HISTORY_TABLE = "history_offset"
"""Name of the table that makes an item in a history differ from the recommended one. It starts at zero."""

_OPTIMIZERS = {"adam": LazyAdam, "adagrad": tf.keras.optimizers.Adagrad}


def _query_tower(
    users: int, item_embedding: Any, history_offset: Any, settings: TwoTower
) -> QueryTower | AttentionTower:
    common = (users, item_embedding, settings.history_limit, settings.decay, settings.seed)
    if settings.query == "attention":
        return AttentionTower(*common, settings.blocks, settings.heads, settings.dropout, history_offset)
    return QueryTower(*common, history_offset)
