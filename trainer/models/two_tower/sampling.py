"""Defines which items a batch is scored against: the targets of its examples, items drawn uniformly, or both."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from configs.models.two_tower import TwoTower


def batch_candidates(target: Any, drawn: Any, *, batch_negatives: bool) -> dict[str, Any]:
    """The items that a batch is scored against, each once.

    Args:
        target: int32 `[examples]`, rows of items.
        drawn: int32 `[drawn]`, rows of the items that were drawn uniformly, with repeats.
        batch_negatives: Whether the targets of other examples are negatives too.

    Returns:
        | key | holds |
        |---|---|
        | `candidate` | int32 `[c]`, the different items; the negatives come first |
        | `negatives` | int32 `[]`, how many of them are negatives |
        | `candidate_count` | int32 `[c]`, how often each was sampled as a negative |
        | `target` | int32 `[examples]`, each target's index in `candidate` |
    """
    # The order is that of the first occurrence, so what was drawn comes before the other targets.
    candidate, index = tf.unique(tf.concat([drawn, target], 0))
    draws, size = tf.size(drawn), tf.size(candidate)
    sampled = index if batch_negatives else index[:draws]
    return {
        "candidate": candidate,
        "negatives": size if batch_negatives else tf.reduce_max(sampled) + 1,
        "candidate_count": tf.math.unsorted_segment_sum(tf.ones_like(sampled), sampled, size),
        "target": index[draws:],
    }


def log_sampling_probability(item: Any, rows: int, settings: TwoTower) -> npt.NDArray[np.float32]:
    """Log of the probability with which each item is sampled, up to one constant.

    A batch samples an item as the target of one of its `B` examples with its share `p` of the interactions, and in one
    of `n` uniform draws with 1 / items. So the share of the item among all samples is
    (B p + n / items) / (B + n): the mixture of Yang et al. 2020, "Mixed Negative Sampling for Learning Two-tower Neural
    Networks in Recommendations", section 3. An item that is sampled by both ways counts as often as it came, and its
    probability is that of both together. Without negatives from the batch, every item has the same probability.

    Args:
        item: int32 `[interactions]`.
        rows: Number of different items.
        settings: `B` and `n`; whether there is a correction, else all is zero.

    Returns:
        float32 `[rows]`; an item without interactions counts as if it had one.
    """
    if not settings.log_q_correction or not settings.batch_negatives:
        return np.zeros(rows, np.float32)
    share = np.maximum(np.bincount(item, minlength=rows), 1) / len(item)
    examples, drawn = min(settings.batch_size, len(item)), settings.uniform_negatives
    return np.log((examples * share + drawn / rows) / (examples + drawn)).astype(np.float32)
