"""Which interactions of a shard are held out for evaluation."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from configs.data import Split
from pipeline.components.interaction_gen.interactions import Interactions

MAX_BUCKETS = 1 << 22
"""Times told apart by the `time` split's cut: every second of a log of 48 days, every 2½ minutes of one of 20 years.
Bounds what the workers send each other."""

Histogram = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Buckets of time, sorted, and the interactions in each."""


def hold_out(shard: Interactions, split: Split, cut: int | None) -> Interactions:
    """Marks the held-out interactions.

    Args:
        shard: Cleaned interactions.
        split: The config.
        cut: For the `time` split, the first timestamp that is held out, in the log's unit.

    Returns:
        The same interactions with `held_out` set.
    """
    if split.method == "given" or not len(shard):
        return shard
    if split.method == "time":
        assert shard.timestamp is not None
        assert cut is not None
        return replace(shard, held_out=shard.timestamp >= cut)
    ends = shard.user_ends()
    counts = np.diff(ends, prepend=0)
    if split.method == "leave_last":
        from_end = ends[shard.user] - 1 - np.arange(len(shard))
        return replace(shard, held_out=from_end < np.minimum(split.holdout, counts - 1)[shard.user])
    return replace(shard, held_out=_random(shard, split, ends, counts))


def histogram(shard: Interactions, oldest: int, newest: int) -> Histogram:
    """Interactions by time, for `choose_cut`.

    Args:
        shard: Cleaned interactions with timestamps.
        oldest: The oldest timestamp of the log.
        newest: The newest.
    """
    assert shard.timestamp is not None
    buckets, counts = np.unique((shard.timestamp - oldest) // _width(oldest, newest), return_counts=True)
    return buckets, counts.astype(np.int64)


def add_histograms(parts: Iterable[Histogram]) -> Histogram:
    """Adds up histograms of different shards."""
    buckets, counts = (np.concatenate([np.zeros(0, np.int64), *column]) for column in zip(*parts, strict=True))
    merged, place = np.unique(buckets, return_inverse=True)
    return merged, np.bincount(place, counts, len(merged)).astype(np.int64)


def choose_cut(counts: Histogram, eval_fraction: float, oldest: int, newest: int) -> int:
    """The `time` split's cut: the earliest that leaves at most `eval_fraction` of all interactions at or after it.

    Args:
        counts: Histogram of all interactions, not empty.
        eval_fraction: The fraction.
        oldest: As for `histogram`.
        newest: As for `histogram`.

    Returns:
        The first timestamp that is held out. Where the newest time alone is more than the fraction, that time.
    """
    buckets, numbers = counts
    after = np.cumsum(numbers[::-1])[::-1]
    fitting = np.flatnonzero(after <= eval_fraction * numbers.sum())
    chosen = buckets[fitting[0]] if len(fitting) else buckets[-1]
    return oldest + int(chosen) * _width(oldest, newest)


def _width(oldest: int, newest: int) -> int:
    return max(1, math.ceil((newest - oldest + 1) / MAX_BUCKETS))


def _random(
    shard: Interactions, split: Split, ends: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """The same for a user in whatever shard: all chance comes from a hash of the seed and the user's id."""
    seed = np.zeros(len(counts), np.uint64)
    for place in np.flatnonzero(counts):
        key = f"{split.seed}\0{shard.users[int(place)].as_py()}".encode()
        seed[place] = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")
    # A fraction of an interaction is one with that probability, so that users with few events are held out too.
    chance = _mix(seed) / 2.0**64
    wanted = np.minimum(np.floor(counts * split.eval_fraction + chance), counts - 1)
    starts = ends - counts
    within = np.arange(len(shard)) - starts[shard.user]
    draw = _mix(seed[shard.user] + within.astype(np.uint64) + np.uint64(1))
    order = np.lexsort((draw, shard.user))
    rank = np.empty(len(shard), np.int64)
    rank[order] = np.arange(len(shard))
    return (rank - starts[shard.user]) < wanted[shard.user]


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's output function (Steele et al. 2014, figure 14): every bit of the result depends on every bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
