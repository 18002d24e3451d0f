"""Measures rankings: each figure as sums over users, and how the recommendations spread over the items."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from configs.evaluation import LIST_K
from trainer.metrics import reciprocal_rank, target_ranks, user_metrics
from trainer.targets import Targets

Slices = Mapping[str, Mapping[str, npt.NDArray[np.bool_]]]
"""Kind of slice to slice to bool `[targets]`: which targets belong to it."""

SLICE_METRICS = tuple(f"{name}@{LIST_K}" for name in ("recall", "ndcg", "hit_rate"))

Figure = tuple[str, str, str]
"""Kind of slice, slice, metric; the first two are "" for all users."""


class Sums(NamedTuple):
    """A figure is the sum of the numerator divided by the sum of the denominator; both are float64 `[users]`."""

    numerator: npt.NDArray[np.float64]
    denominator: npt.NDArray[np.float64]

    @property
    def value(self) -> float:
        """The figure over all users; NaN if no user counts."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else float("nan")


def user_sums(
    ranked: npt.NDArray[np.int32], targets: Targets, count: npt.NDArray[np.int64], slices: Slices, ks: Sequence[int]
) -> dict[Figure, Sums]:
    """Computes all figures that are means.

    Popularity is an item's share of the training interactions. Novelty is its self-information, -log2 of that share
    (Zhou et al. 2010; Vargas and Castells 2011); an item without interactions is treated as if it had one. Both are
    means over the first 10 recommended items of all users. A target that is in its user's history counts as a miss.

    Args:
        ranked: `[users, k]`, places; -1 pads; places from `items` on are items that the catalogue no longer has.
        targets: The items that were held out from the same users.
        count: `[items]`, the number of training interactions.
        slices: The slices.
        ks: The cuts; MRR uses the whole list.

    Returns:
        Each figure's sums.
    """
    rank = target_ranks(ranked, targets.row, np.where(targets.met, -1, targets.place))
    users, length = ranked.shape
    metrics = user_metrics(rank, targets.row, users, length, ks)
    metrics["mrr"] = reciprocal_rank(rank, targets.row, users)
    figures = {("", "", name): _mean(values) for name, values in metrics.items()}
    for kind, masks in slices.items():
        for name, mask in masks.items():
            in_slice = user_metrics(rank[mask], targets.row[mask], users, length, [LIST_K])
            figures |= {(kind, name, metric): _mean(in_slice[metric]) for metric in SLICE_METRICS}
    # Places beyond the catalogue are items that do not occur in today's log.
    padded_count = np.append(count, 0)
    total = max(1, int(count.sum()))
    top = ranked[:, :LIST_K]
    popularity, novelty = padded_count / total, np.log2(total / np.maximum(padded_count, 1))
    for name, item_value in (("mean_popularity", popularity), ("novelty", novelty)):
        value = np.where(top >= 0, item_value[np.minimum(top, len(count))], 0)
        figures["", "", f"{name}@{LIST_K}"] = Sums(value.sum(axis=1), (top >= 0).sum(axis=1).astype(float))
    return figures


def _mean(values: npt.NDArray[np.float64]) -> Sums:
    judged = ~np.isnan(values)
    return Sums(np.where(judged, values, 0), judged.astype(np.float64))


def exposure(ranked: npt.NDArray[np.int32], items: int) -> Any:
    """Marks each user's first 10 items that are in the catalogue: scipy CSR matrix float32 `[items, users]`."""
    top = ranked[:, :LIST_K]
    user, column = np.nonzero((top >= 0) & (top < items))
    shape = (items, len(ranked))
    return sparse.csr_matrix((np.ones(len(user), np.float32), (top[user, column], user)), shape=shape)


def coverage(shown: npt.NDArray[np.integer[Any]]) -> float:
    """Computes the share of items that are recommended to at least one user (Ge et al. 2010).

    Args:
        shown: `[items]`, the number of users to whom each item is recommended.
    """
    return float(np.count_nonzero(shown) / len(shown))


def gini(shown: npt.NDArray[np.integer[Any]]) -> float:
    """Computes how unevenly the items are recommended: 0 if all equally often, 1 if only one is recommended.

    This is the Gini index of Shani and Gunawardana 2011, section 8.3.3. Items with the same count are grouped, so that
    no sorting is needed.

    Args:
        shown: `[items]`, the number of users to whom each item is recommended.

    Returns:
        The index; NaN if nothing is recommended; 0 if there is one item.
    """
    with_count = np.bincount(shown)
    below = np.cumsum(with_count) - with_count
    # The sum of 2j - items - 1 over a group's ranks j, which start from 1 for the least shown item.
    spread = with_count * (2 * below + with_count - len(shown))
    total = int(np.sum(shown))
    others = max(1, len(shown) - 1)
    return float(np.sum(np.arange(len(with_count)) * spread) / (others * total)) if total else float("nan")
