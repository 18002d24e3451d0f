"""Bootstraps over users, with one set of resamples for all metrics and all contenders, so that differences are paired.

Efron and Tibshirani 1993, chapters 6 and 13.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

ENDS = (2.5, 97.5)
"""The percentiles that bound the middle 95 %."""

RESAMPLES = 1000
"""Resamples of a single interval: its ends then vary by some 5 % of its width with the seed."""

_VALUES_A_BLOCK = 1 << 22
"""Weights held at a time: 16 MiB of float32."""


class ConfidenceInterval(NamedTuple):
    """A metric's value and its 95 % interval; NaN where there is nothing to measure."""

    value: float
    low: float
    high: float


def weights(users: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.float32]]:
    """Draws the resamples: how often each user is drawn in each of them.

    Args:
        users: The number of users; each resample draws as many, with replacement.
        resamples: The number of resamples.
        seed: The seed of the draws.

    Yields:
        `[some resamples, users]`; there are `resamples` rows in all, and each sums to `users`.
    """
    rng = np.random.default_rng(seed)
    step = max(1, _VALUES_A_BLOCK // max(1, users))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = np.empty((rows, users), np.float32)
        for row in drawn:
            row[:] = np.bincount(rng.integers(0, users, users, dtype=np.int32), minlength=users)
        yield drawn


def ratios(
    drawn: npt.NDArray[np.float32], numerator: npt.NDArray[np.float32], denominator: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Computes ratios of sums over the users of each resample.

    Args:
        drawn: `[resamples, users]`, as yielded by `weights`.
        numerator: `[users, figures]`.
        denominator: `[users, figures]`.

    Returns:
        `[resamples, figures]`; NaN where a resample holds no user who counts for the figure.
    """
    over, under = (drawn @ numerator).astype(np.float64), (drawn @ denominator).astype(np.float64)
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)


def percentile_interval(value: float, resampled: npt.NDArray[np.float64]) -> ConfidenceInterval:
    """Adds the percentile interval over the resamples to a value; resamples without a user who counts are left out."""
    measured = resampled[~np.isnan(resampled)]
    if not len(measured) or np.isnan(value):
        return ConfidenceInterval(value, np.nan, np.nan)
    low, high = np.percentile(measured, ENDS)
    return ConfidenceInterval(value, float(low), float(high))


def centred_interval(value: float, resampled: npt.NDArray[np.float64]) -> ConfidenceInterval:
    """Adds an interval to a value: as wide as the percentile interval, shifted by the resamples' bias, within [0, 1].

    This is for metrics that count different items, such as coverage. A resample holds 63 % of the users, each once or
    more, so that nearly every resample covers fewer items than all users do, and the percentile interval would not
    contain the value itself.
    """
    shifted = resampled - np.nanmean(resampled) + value if len(resampled) else resampled
    return percentile_interval(value, np.clip(shifted, 0, 1))


def paired_interval(
    difference: npt.NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0
) -> ConfidenceInterval:
    """The mean of a difference between two models with its 95 % interval, over the users that both were measured on.

    Args:
        difference: `[users]`, one model's metric of a user less the other's; NaN for a user who does not count.
        resamples: The number of resamples.
        seed: The seed of the draws.
    """
    counted = ~np.isnan(difference)
    if not counted.any():
        return ConfidenceInterval(np.nan, np.nan, np.nan)
    over = np.where(counted, difference, 0.0).astype(np.float32)[:, np.newaxis]
    under = counted.astype(np.float32)[:, np.newaxis]
    means = np.concatenate([ratios(drawn, over, under) for drawn in weights(len(difference), resamples, seed)])
    return percentile_interval(float(np.nanmean(difference)), means[:, 0])
