"""Ranking metrics, over users. Pure NumPy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def ranking_metrics(
    ranked: npt.NDArray[np.int64], target_row: npt.NDArray[np.int64], target: npt.NDArray[np.int64], ks: Sequence[int]
) -> dict[str, float]:
    """Averages over users with a target; an item that cannot be recommended is a miss.

    Args:
        ranked: `[users, at least max(ks)]`, places of the best items, best first, none twice in a row; -1 pads.
        target_row: `[targets]`, the user of each target.
        target: `[targets]`, its place in the catalogue; -1 for one outside it.
        ks: The cuts.

    Returns:
        For each k: `hit_rate@k`, the share of users with a target among the first k; `recall@k`, the mean share of a
        user's targets among the first k; `ndcg@k`, with gain 1 for each target and the ideal order as norm.
    """
    users = len(ranked)
    targets = np.bincount(target_row, minlength=users)
    judged = targets > 0
    is_target = (ranked[target_row] == target[:, np.newaxis]) & (target >= 0)[:, np.newaxis]
    discount = 1 / np.log2(np.arange(ranked.shape[1]) + 2)
    metrics = {}
    for k in ks:
        hits = np.bincount(target_row, weights=is_target[:, :k].sum(axis=1), minlength=users)
        gain = np.bincount(target_row, weights=is_target[:, :k] @ discount[:k], minlength=users)
        ideal = np.concatenate([[0], np.cumsum(discount[:k])])[np.minimum(targets, min(k, len(discount)))]
        metrics[f"hit_rate@{k}"] = float(np.mean(hits[judged] > 0))
        metrics[f"recall@{k}"] = float(np.mean(hits[judged] / targets[judged]))
        metrics[f"ndcg@{k}"] = float(np.mean(gain[judged] / ideal[judged]))
    return metrics
