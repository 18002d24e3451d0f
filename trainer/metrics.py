"""Computes ranking metrics, for each user and over users. Pure NumPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_VALUES_A_BLOCK = 1 << 24
"""Places compared at a time; this limits the memory for many targets."""


def target_ranks(
    ranked: npt.NDArray[np.integer[Any]], target_row: npt.NDArray[np.int64], target: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Finds the position of each target in its user's list.

    Args:
        ranked: `[users, length]`, places of the best items, best first, none twice in a row; -1 pads.
        target_row: `[targets]`, the user of each target.
        target: `[targets]`, its place in the catalogue; -1 for one that cannot be recommended.

    Returns:
        `[targets]`, 0 for the first of the list; -1 for a target that is not in it.
    """
    rank = np.full(len(target), -1, np.int64)
    step = max(1, _VALUES_A_BLOCK // max(1, ranked.shape[1]))
    for start in range(0, len(target), step):
        block = slice(start, start + step)
        found, at = np.nonzero(ranked[target_row[block]] == target[block, np.newaxis])
        rank[start + found] = at
    rank[target < 0] = -1
    return rank


def user_metrics(
    rank: npt.NDArray[np.int64], target_row: npt.NDArray[np.int64], users: int, length: int, ks: Sequence[int]
) -> dict[str, npt.NDArray[np.float64]]:
    """The metrics of each user.

    Args:
        rank: `[targets]` of `target_ranks`.
        target_row: `[targets]`, the user of each target.
        users: Number of users.
        length: Length of the ranked lists.
        ks: The k of the metrics.

    Returns:
        For each k, `[users]` and NaN for a user without a target: `hit_rate@k`, 1 if a target is among the first k;
        `recall@k`, the share of the targets among the first k; `ndcg@k`, with gain 1 for each target and the ideal
        order as norm (Järvelin and Kekäläinen 2002, section 2.2).
    """
    targets = np.bincount(target_row, minlength=users).astype(float)
    targets[targets == 0] = np.nan
    discount = 1 / np.log2(np.arange(length) + 2)
    ideal_gain = np.concatenate([[0], np.cumsum(discount)])
    metrics = {}
    for k in ks:
        found = (rank >= 0) & (rank < k)
        row = target_row[found]
        hits = np.bincount(row, minlength=users)
        gain = np.bincount(row, weights=discount[rank[found]], minlength=users)
        ideal = ideal_gain[np.nan_to_num(np.minimum(targets, min(k, length))).astype(np.int64)]
        metrics[f"hit_rate@{k}"] = np.where(np.isnan(targets), np.nan, hits > 0)
        metrics[f"recall@{k}"] = hits / targets
        metrics[f"ndcg@{k}"] = np.divide(gain, ideal, out=np.full(users, np.nan), where=ideal > 0)
    return metrics


def reciprocal_rank(
    rank: npt.NDArray[np.int64], target_row: npt.NDArray[np.int64], users: int
) -> npt.NDArray[np.float64]:
    """The reciprocal of the position, counted from 1, of each user's first target in the list.

    Args:
        rank: `[targets]` of `target_ranks`.
        target_row: `[targets]`, the user of each target.
        users: Number of users.

    Returns:
        `[users]`, 0 if no target is in the list, NaN for a user without a target.
    """
    best = np.where(np.bincount(target_row, minlength=users) > 0, 0.0, np.nan)
    found = rank >= 0
    np.maximum.at(best, target_row[found], 1 / (rank[found] + 1))
    return best


def mean_metrics(of_user: Mapping[str, npt.NDArray[np.float64]]) -> dict[str, float]:
    """Averages of `user_metrics` over the users with a target."""
    return {name: float(np.nanmean(values)) for name, values in of_user.items()}
