"""DIMSUM: thins the columns of popular items before they are multiplied, so that cosines cost less.

Source: Zadeh and Carlsson 2013, "Dimension Independent Matrix Square Using MapReduce" (arXiv 1304.1467), with the
probabilities by item that Spark's `columnSimilarities` has: p = min(1, √γ / ‖c‖) and q = min(√γ, ‖c‖). Here one coin is
flipped for each entry (user, item) instead of one for each pair of items, so that a sparse product does the rest. The
mean and the variance of each pair are the same; only the covariance of pairs that share a user differs.

The promise needs entries in [0, 1], so the columns' lengths are those of entries divided by the largest. Without that,
as in Spark, the error of a log with event weights has no bound.
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from trainer.histories import ends
from trainer.models.item_item.counting import Columns

_OVERSAMPLING = 10
"""γ = 10 ln(items) / threshold, as in Spark: at a cosine of `threshold`, two thinned columns of 10,000 items are
estimated with a standard error below 1 / √(10 ln 10,000) = 10 %."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""The step of SplitMix64 (Steele et al. 2014), 2^64 divided by the golden ratio."""


@dataclasses.dataclass(frozen=True)
class Thinning:
    """How much is kept of each column, and what a kept product is divided by.

    Attributes:
        probability: float64 `[items]`, p: the probability to keep an entry.
        divisor: float64 `[items]`, q, of entries as the log has them; 1 for an empty column. The sum of products of the
            kept entries of two columns, divided by both divisors, estimates their cosine without bias.
        norm: float64 `[items]`, the length of the column of entries in [0, 1].
    """

    probability: npt.NDArray[np.float64]
    divisor: npt.NDArray[np.float64]
    norm: npt.NDArray[np.float64]

    def error_bound(self, cosine: Any, first: Any, second: Any) -> Any:
        """The largest relative standard error of the estimate of a cosine.

        The relative variance is (1 / (p₁p₂) - 1) · Σ(ab)² / (Σab)² over the users with both items. With entries in
        [0, 1], Σ(ab)² ≤ Σab = cosine · ‖c₁‖ · ‖c₂‖. For entries of 0 and 1 the bound is the error: it is
        √((1 / (p₁p₂) - 1) / N) with N users.

        Args:
            cosine: The true cosine, above 0.
            first: The number of one item.
            second: The number of the other.

        Returns:
            The standard error divided by the cosine, of the shape of the arguments.
        """
        kept = self.probability[first] * self.probability[second]
        return np.sqrt((1 / kept - 1) / (cosine * self.norm[first] * self.norm[second]))


def thinning(known: Columns, threshold: float) -> Thinning:
    """Decides how much is kept of each column.

    Args:
        known: The columns.
        threshold: The least cosine that is estimated well; 0 keeps everything, and the cosines are exact.
    """
    items = len(known.squares)
    norm = known.norm / (known.largest or 1)
    root = np.sqrt(_OVERSAMPLING * np.log(max(items, 2)) / threshold) if threshold else np.inf
    divisor = np.minimum(root, norm) * known.largest
    return Thinning(
        probability=np.minimum(1, np.divide(root, norm, out=np.ones(items), where=norm > 0)),
        divisor=np.where(divisor > 0, divisor, 1),
        norm=norm,
    )


def thinned(met: Any, user: npt.NDArray[np.integer[Any]], thinning: Thinning, seed: int) -> Any:
    """Keeps each entry of a user-item matrix with the probability of its column.

    The coin is a hash of seed, user and item: it does not depend on how users are cut into shards, nor on whether a
    worker does a shard again.

    Args:
        met: scipy CSR matrix `[users, items]`.
        user: `[users]`, a number of each user that no other user has.
        thinning: The probabilities.
        seed: Seed of the coins.

    Returns:
        scipy CSR matrix `[users, items]` of the kept entries, as they were.
    """
    if not np.any(thinning.probability < 1):
        return met
    coin = _coins(seed, np.repeat(user, np.diff(met.indptr)), met.indices)
    kept = coin < thinning.probability[met.indices]
    return sparse.csr_matrix((met.data[kept], met.indices[kept], ends(kept)[met.indptr]), shape=met.shape)


def _coins(seed: int, user: npt.NDArray[Any], item: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Numbers that look random, in [0, 1), one for each pair of user and item."""
    state = _mixed(np.full(1, seed, np.uint64))
    for number in (user, item):
        state = _mixed(state + _GOLDEN * (number.astype(np.uint64) + np.uint64(1)))
    # A float64 has 53 bits.
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64; products of arrays wrap around silently."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
