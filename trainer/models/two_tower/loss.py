"""Defines the retrieval task: sampled softmax with log-Q correction.

Yi et al. 2019, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", equations 3 and 4.
"""

from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

_EXCLUDED = -1e9
"""Added to the logit of an item that is no negative of a query."""


class SampledSoftmax(tf.keras.layers.Layer, tfrs.tasks.Task):
    """Cross-entropy of each query's own item among sampled items.

    If the targets of the batch are the samples, it gives the same loss as `tfrs.tasks.Retrieval` with
    `remove_accidental_hits` and `candidate_sampling_probability`, up to rounding, but does less work. An item that was
    sampled several times is scored once and counted as often as it was sampled, which halves the logits for a batch of
    4096 from a few thousand items; and no `[batch, batch]` labels are made.
    """

    def __init__(self, temperature: float) -> None:
        """Makes the task.

        Args:
            temperature: Logits are inner products divided by this.
        """
        super().__init__(name="sampled_softmax")
        self._temperature = temperature

    def call(
        self,
        query_embeddings: Any,
        candidate_embeddings: Any,
        target: Any,
        negatives: Any,
        excluded: Any,
        candidate_count: Any,
        candidate_log_probability: Any,
        sample_weight: Any,
        total_weight: Any,
    ) -> Any:
        """Computes the loss.

        Args:
            query_embeddings: float32 `[batch, dim]`.
            candidate_embeddings: float32 `[candidates, dim]`, different items: the negatives come first.
            target: int32 `[batch]`, each query's index in the candidates.
            negatives: int32 `[]`, how many candidates are negatives.
            excluded: int32 `[batch, e]`, candidates that are no negatives of a query, such as its own item; each at
                most a few times in a row. -1 for none.
            candidate_count: int32 `[candidates]`, how often a negative was sampled.
            candidate_log_probability: float32 `[candidates]`, log of the probability to be sampled, up to a constant;
                zeros for no correction.
            sample_weight: float32 `[batch]`.
            total_weight: float32 `[]`, the sum of `sample_weight`; with several replicas, the sum over all of them.

        Returns:
            float32 `[]`, the weighted mean over the batch; with several replicas, this replica's part of that mean.
        """
        # The smaller factor is divided by the temperature: a pass over the logits costs as much as the product itself.
        scaled = query_embeddings / self._temperature
        log_count = tf.math.log(tf.cast(candidate_count[:negatives], tf.float32))
        bias = log_count - candidate_log_probability[:negatives]
        own = tf.reduce_sum(scaled * tf.gather(candidate_embeddings, target), axis=1)
        own -= tf.gather(candidate_log_probability, target)
        # A last column for the query's own item. As a row of zeros before the product it costs no pass over the logits.
        columns = tf.pad(candidate_embeddings[:negatives], [[0, 1], [0, 0]])
        logits = tf.matmul(scaled, columns, transpose_b=True) + tf.pad(bias, [[0, 1]])
        is_negative = (excluded >= 0) & (excluded < negatives)
        column = tf.concat([tf.where(is_negative, excluded, negatives), tf.fill([tf.size(target), 1], negatives)], 1)
        change = tf.concat([tf.where(is_negative, _EXCLUDED, 0.0), own[:, tf.newaxis]], 1)
        row = tf.broadcast_to(tf.range(tf.size(target))[:, tf.newaxis], tf.shape(column))
        logits = tf.tensor_scatter_nd_add(logits, tf.stack([row, column], axis=2), change)
        labels = tf.fill([tf.size(target)], negatives)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.reduce_sum(sample_weight * losses) / total_weight
