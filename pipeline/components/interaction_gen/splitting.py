"""Decides which interactions of a shard are held out for evaluation."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from configs.leave_out import LeaveOut
from configs.split import Split
from pipeline.components.interaction_gen.interactions import Interactions, stable_order

MAX_BUCKETS = 1 << 22
"""The most times between which the `time` split's cut distinguishes: every second of a log of 48 days, every 2½ minutes
of a log of 20 years. It bounds what the workers send each other."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""SplitMix64's increment (Steele et al. 2014): 2^64 divided by the golden ratio, odd."""

Histogram = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Buckets of time, sorted, and the number of interactions in each."""


def hold_out(shard: Interactions, split: Split, cut: int | None, leave_out: LeaveOut = "everything") -> Interactions:
    """Marks the held-out interactions.

    `leave_last` and `time` decide by the first event of an interaction, not by the event that deduplication kept.
    Otherwise an item that yesterday's model was trained on would be held out today because the user returned to it.
    Today's model starts from yesterday's and is compared with it, and yesterday's would be evaluated on what it has
    learned. Moreover, no model could predict the return if the item is left out. Where it may be recommended again, the
    return is an interaction of its own, see `cleaning.deduplicate`.

    Args:
        shard: Cleaned interactions.
        split: The config.
        cut: For the `time` split, the first timestamp that is held out, in the log's unit.
        leave_out: What may not be recommended again.

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
        return replace(shard, held_out=_random(shard, split, leave_out))
    ends = shard.user_ends()
    counts = np.diff(ends, prepend=0)
    from_end = np.empty(len(shard), np.int64)
    # All values of `first` of one user are below those of the next user: sorted by them, users stay together.
    from_end[np.argsort(shard.first)] = ends[shard.user] - 1 - np.arange(len(shard))
    return replace(shard, held_out=from_end < np.minimum(split.holdout, counts - 1)[shard.user])


def count_early(shard: Interactions) -> tuple[int, int]:
    """Counts held-out interactions that are older than the user's newest training interaction.

    Args:
        shard: Split interactions with timestamps.

    Returns:
        Their number, and the number of all held-out interactions of users who have training interactions.
    """
    assert shard.timestamp is not None
    newest = np.full(len(shard.users), np.iinfo(np.int64).min)
    np.maximum.at(newest, shard.user[~shard.held_out], shard.timestamp[~shard.held_out])
    compared = shard.held_out & np.isin(shard.user, shard.user[~shard.held_out])
    is_early = compared & (shard.timestamp < newest[shard.user])
    return int(np.count_nonzero(is_early)), int(np.count_nonzero(compared))


def histogram(shard: Interactions, oldest: int, newest: int) -> Histogram:
    """Counts interactions by the time of the user's first interaction with the item, for `choose_cut`.

    Args:
        shard: Cleaned interactions with timestamps.
        oldest: The oldest timestamp of the log.
        newest: The newest timestamp of the log.
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
    """Chooses the `time` split's cut: the earliest time with at most `eval_fraction` of all interactions from it on.

    Args:
        counts: Histogram of all interactions, not empty.
        eval_fraction: The fraction.
        oldest: As for `histogram`.
        newest: As for `histogram`.

    Returns:
        The first timestamp that is held out. If the newest bucket alone is more than the fraction, its beginning.
    """
    buckets, numbers = counts
    after = np.cumsum(numbers[::-1])[::-1]
    fitting = np.flatnonzero(after <= eval_fraction * numbers.sum())
    chosen = buckets[fitting[0]] if len(fitting) else buckets[-1]
    return oldest + int(chosen) * _width(oldest, newest)


def _width(oldest: int, newest: int) -> int:
    return max(1, math.ceil((newest - oldest + 1) / MAX_BUCKETS))


def _random(shard: Interactions, split: Split, leave_out: LeaveOut) -> npt.NDArray[np.bool_]:
    """Draws by seed, user and item alone: an event's split never depends on the rest of the log or the shard.

    Where a user may have several interactions with an item, their numbers count too.

    If it depended on an event's position in the history, events would change their split as the log grows or its window
    moves. A model that started from yesterday's, or is compared with it, would then be evaluated on events that
    yesterday's model has learned.
    """
    user_hash = _hashes(shard.users, shard.user, f"{split.seed}\0".encode())
    item_hash = _hashes(shard.items, shard.item, b"")
    pair_hash = user_hash[shard.user] + item_hash[shard.item]
    if leave_out != "everything":
        pair_hash = pair_hash + _number(shard).astype(np.uint64) * _GOLDEN
    # The top 53 bits are a float64 in [0, 1), never rounded up to 1.
    draw = (_mix(pair_hash) >> np.uint64(11)) / 2.0**53
    # If all draws of a user are below the fraction, the item with the largest draw is kept for training.
    starts = np.unique(shard.user, return_index=True)[1]
    largest = np.repeat(np.maximum.reduceat(draw, starts), np.diff(starts, append=len(shard)))
    return (draw < split.eval_fraction) & (draw < largest)


def _number(shard: Interactions) -> npt.NDArray[np.int64]:
    """Returns [n] int64: how many earlier interactions the user has with the same item."""
    pair = shard.user.astype(np.int64) * len(shard.items) + shard.item
    order = stable_order(pair)
    begins = np.append(True, pair[order][1:] != pair[order][:-1])
    number = np.empty(len(shard), np.int64)
    number[order] = np.arange(len(shard)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    return number


def _hashes(ids: Any, used: npt.NDArray[np.int32], salt: bytes) -> npt.NDArray[np.uint64]:
    """Returns [ids] uint64: hashes of the ids at the indices `used`, 0 elsewhere."""
    hashes = np.zeros(len(ids), np.uint64)
    places = np.unique(used)
    hashes[places] = [
        int.from_bytes(hashlib.blake2b(salt + one, digest_size=8).digest(), "little")
        for one in ids.take(pa.array(places)).cast(pa.binary()).to_pylist()
    ]
    return hashes


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's output function (Steele et al. 2014, figure 14): every output bit depends on every input bit."""
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
