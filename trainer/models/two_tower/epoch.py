"""Makes an epoch's dataset out of its batches, and cuts batches into shards for several replicas."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

Batch = dict[str, Any]


class BatchesOfEpochs(Protocol):
    """An input pipeline."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""

    @property
    def interactions(self) -> int:
        """Interactions in an epoch's batches."""

    def epoch(self, number: int) -> Any:
        """One epoch's `tf.data.Dataset`; the same number always gives the same batches."""


def uniform_draws(rng: np.random.Generator, steps: int, draws: int, items: int) -> Any:
    """Draws items for each batch of an epoch, uniformly and with repeats: int32 `[steps, draws]`."""
    return tf.constant(rng.integers(items, size=(steps, draws), dtype=np.int32))


def epoch_of(make_batch: Callable[[Any], Batch], steps: int, rows: int, of_a_row: Sequence[str], replicas: int) -> Any:
    """One epoch's `tf.data.Dataset`.

    Args:
        make_batch: Makes the batch of a step, int64 `[]`.
        steps: Batches.
        rows: Rows of a batch.
        of_a_row: The keys of a batch that have one value for each row; the others belong to the whole batch.
        replicas: The number of shards of a batch. The shards of a batch follow each other: each has its part of the
            rows, and all that belongs to the whole batch.
    """
    # Nothing in a batch branches on a tensor, and AutoGraph would take longer than the tracing.
    plain = tf.autograph.experimental.do_not_convert
    batches = tf.data.Dataset.range(steps).map(
        plain(make_batch), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    if replicas > 1:
        batches = batches.flat_map(plain(lambda batch: _shards(batch, rows, of_a_row, replicas)))
        # Without the cardinality, each step would ask whether there is one more batch.
        batches = batches.apply(tf.data.experimental.assert_cardinality(steps * replicas))
    return batches.prefetch(tf.data.AUTOTUNE)


def _shards(batch: Batch, rows: int, of_a_row: Sequence[str], replicas: int) -> Any:
    ends = [rows * n // replicas for n in range(replicas + 1)]
    shards = [
        {**batch, **{name: batch[name][start:end] for name in of_a_row}} for start, end in itertools.pairwise(ends)
    ]
    dataset = tf.data.Dataset.from_tensors(shards[0])
    for shard in shards[1:]:
        dataset = dataset.concatenate(tf.data.Dataset.from_tensors(shard))
    return dataset
