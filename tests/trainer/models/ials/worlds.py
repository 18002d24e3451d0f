"""Makes settings and logs for the tests of ials, and the equations in loops over float64 numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from configs.models.ials import Ials
from trainer.histories import Histories
from trainer.models.ials.solve import Objective


def settings_of(**changes: Any) -> Ials:
    """Small settings for small logs."""
    return Ials.model_validate(
        {
            "kind": "ials",
            "embedding_dim": 5,
            "iterations": 4,
            "regularisation": 0.02,
            "unobserved_weight": 3.0,
            "use_event_weights": True,
        }
        | changes
    )


def confidences(histories: Histories, items: int) -> np.ndarray:
    """The confidences as a dense matrix `[users, items]`; repeats add up."""
    dense = np.zeros((histories.users, items))
    for user in range(histories.users):
        row = slice(histories.offset[user], histories.offset[user + 1])
        pairs = [pair for pair in zip(histories.item[row], histories.weight[row].tolist(), strict=True) if pair[0] >= 0]
        for item, weight in pairs:
            dense[user, item] += weight / np.mean([w for _, w in pairs])
    return dense


def objective_of(confidence: np.ndarray, settings: Ials) -> Objective:
    """The objective; the weights of all pairs sum up to so many times the confidences."""
    each = settings.unobserved_weight * np.mean(confidence)
    return Objective(float(each), settings.regularisation, settings.frequency_exponent)


def dense_solve(confidence: np.ndarray, factors: np.ndarray, objective: Objective) -> np.ndarray:
    """The factors of all rows, one after the other: a weighted ridge regression over all columns, without a Gramian."""
    a = objective.unobserved_weight
    solved = []
    for row in confidence:
        # c (x·f - 1)² + a (x·f)² is (c + a) (x·f - c / (c + a))² and a constant: each pair has one weight and one aim.
        weight = row + a
        ridge = objective.regularisation * (row.sum() + a * len(factors)) ** objective.frequency_exponent
        x = np.concatenate([factors * np.sqrt(weight)[:, None], np.sqrt(ridge) * np.eye(factors.shape[1])])
        aim = np.concatenate([row / np.sqrt(weight), np.zeros(factors.shape[1])])
        solved.append(np.linalg.lstsq(x, aim, rcond=None)[0])
    return np.array(solved)


def dense_loss(confidence: np.ndarray, users: np.ndarray, items: np.ndarray, objective: Objective) -> float:
    """The loss as `configs.models.ials` defines it."""
    a, predicted = objective.unobserved_weight, users @ items.T
    loss = np.sum(confidence * (predicted - 1) ** 2) + a * np.sum(predicted**2)
    for factors, mass, others in ((users, confidence.sum(1), len(items)), (items, confidence.sum(0), len(users))):
        ridge = objective.regularisation * (mass + a * others) ** objective.frequency_exponent
        loss += ridge @ np.sum(factors**2, axis=1)
    return float(loss)


def query(histories: Sequence[Sequence[int]], weights: Sequence[Sequence[float]] | None = None) -> tuple[Any, Any, Any]:
    """The arguments of `scores`; all weights are 1 unless they are given."""
    lengths = [len(history) for history in histories]
    items = np.array([item for history in histories for item in history], np.int32)
    flat = np.ones(len(items)) if weights is None else np.array([w for row in weights for w in row])
    history = tf.RaggedTensor.from_row_lengths(items, tf.constant(lengths, tf.int64))
    return (
        tf.fill([len(histories)], tf.constant(-1, tf.int64)),
        history,
        history.with_values(tf.constant(flat, tf.float32)),
    )
