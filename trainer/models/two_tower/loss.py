"""Defines the retrieval task: in-batch sampled softmax with log-Q correction.

Yi et al. 2019, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", equations 3 and 4.
"""

from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs


class InBatchSoftmax(tf.keras.layers.Layer, tfrs.tasks.Task):
    """Cross-entropy of each query's own item among the items of its batch.

    It gives the same loss as `tfrs.tasks.Retrieval` with `remove_accidental_hits` and
    `candidate_sampling_probability`, up to rounding, but does less work. An item that is the target of several queries
    is scored once and counted as often as Retrieval counts it, which halves the logits for a batch of 4096 from a few
    thousand items; and no `[batch, batch]` labels are made.
    """

    def __init__(self, temperature: float) -> None:
        """Makes the task.

        Args:
            temperature: Logits are inner products divided by this.
        """
        super().__init__(name="in_batch_softmax")
        self._temperature = temperature

    def call(
        self,
        query_embeddings: Any,
        candidate_embeddings: Any,
        target: Any,
        candidate_count: Any,
        candidate_log_probability: Any,
        sample_weight: Any,
        total_weight: Any,
    ) -> Any:
        """Computes the loss.

        Args:
            query_embeddings: float32 `[batch, dim]`.
            candidate_embeddings: float32 `[candidates, dim]`, the different targets of the batch.
            target: int32 `[batch]`, each query's index in the candidates.
            candidate_count: int32 `[candidates]`, how many queries have the candidate as their target.
            candidate_log_probability: float32 `[candidates]`, log of the probability to be an example's target; zeros
                for no correction.
            sample_weight: float32 `[batch]`.
            total_weight: float32 `[]`, the sum of `sample_weight`; with several replicas, the sum over all of them.

        Returns:
            float32 `[]`, the weighted mean over the batch; with several replicas, this replica's part of that mean.
        """
        log_count = tf.math.log(tf.cast(candidate_count, tf.float32))
        # The smaller factor is divided by the temperature: a pass over the logits costs as much as the product itself.
        logits = tf.matmul(query_embeddings / self._temperature, candidate_embeddings, transpose_b=True)
        logits += log_count - candidate_log_probability
        # A query's own item counts once: its repeats in the batch are accidental hits.
        rows = tf.range(tf.shape(logits, tf.int32)[0])
        logits = tf.tensor_scatter_nd_sub(logits, tf.stack([rows, target], axis=1), tf.gather(log_count, target))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
        return tf.reduce_sum(sample_weight * losses) / total_weight
