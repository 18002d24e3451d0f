"""Which interactions of a shard are held out for evaluation."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from configs.data import Split
from pipeline.components.interaction_gen.interactions import Interactions

MAX_BUCKETS = 1 << 22
"""Times told apart by the `time` split's cut: every second of a log of 48 days, every 2½ minutes of one of 20 years.
Bounds what the workers send each other."""

Histogram = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Buckets of time, sorted, and the interactions in each."""


def hold_out(shard: Interactions, split: Split, cut: int | None) -> Interactions:
    """Marks the held-out interactions.

    `leave_last` and `time` go by when the user first met the item, not by the interaction that deduplication kept. Else
    an item that yesterday's model was trained on would be held out today because the user came back to it, and that
    model, from which today's starts and with which it is compared, would be asked for what it has learned. Nor could
    coming back be foreseen: what a user has met is never recommended.

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
        assert shard.first_timestamp is not None
        assert cut is not None
        return replace(shard, held_out=shard.first_timestamp >= cut)
    if split.method == "random":
        return replace(shard, held_out=_random(shard, split))
    ends = shard.user_ends()
    counts = np.diff(ends, prepend=0)
    from_end = np.empty(len(shard), np.int64)
    # The places of one user lie before those of the next: in their order, each user's come together.
    from_end[np.argsort(shard.first)] = ends[shard.user] - 1 - np.arange(len(shard))
    return replace(shard, held_out=from_end < np.minimum(split.holdout, counts - 1)[shard.user])


def histogram(shard: Interactions, oldest: int, newest: int) -> Histogram:
    """Interactions by the time of their first meeting, for `choose_cut`.

    Args:
        shard: Cleaned interactions with timestamps.
        oldest: The oldest timestamp of the log.
        newest: The newest.
    """
    assert shard.first_timestamp is not None
    buckets, counts = np.unique((shard.first_timestamp - oldest) // _width(oldest, newest), return_counts=True)
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


def _random(shard: Interactions, split: Split) -> npt.NDArray[np.bool_]:
    """Draws by seed, user and item alone: an event's side never depends on what else is in the log or the shard.

    Were it by an event's place in the history, events would change sides as the log grows or slides, and a model that
    started from yesterday's, or is compared with it, would be asked for what yesterday's has learned.
    """
    of_user = _hashes(shard.users, shard.user, f"{split.seed}\0".encode())
    of_item = _hashes(shard.items, shard.item, b"")
    # The top 53 bits are a float64 in [0, 1), never rounded up to 1.
    draw = (_mix(of_user[shard.user] + of_item[shard.item]) >> np.uint64(11)) / 2.0**53
    # A user whose every draw is below the fraction keeps the item of the largest for training.
    starts = np.unique(shard.user, return_index=True)[1]
    largest = np.repeat(np.maximum.reduceat(draw, starts), np.diff(starts, append=len(shard)))
    return (draw < split.eval_fraction) & (draw < largest)


def _hashes(ids: Any, used: npt.NDArray[np.int32], salt: bytes) -> npt.NDArray[np.uint64]:
    """[ids] uint64: hashes of the ids at the places `used`, 0 elsewhere."""
    hashes = np.zeros(len(ids), np.uint64)
    places = np.unique(used)
    hashes[places] = [
        int.from_bytes(hashlib.blake2b(salt + one, digest_size=8).digest(), "little")
        for one in ids.take(pa.array(places)).cast(pa.binary()).to_pylist()
    ]
    return hashes


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's output function (Steele et al. 2014, figure 14): every bit of the result depends on every bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
