"""Cleans a shard of interactions, with one function for each step. All keep the order of the remaining interactions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from configs.cleaning import Cleaning
from pipeline.components.interaction_gen.interactions import Interactions, stable_order
from pipeline.reading import columns
from transforms import features

STEPS = ("window", "deduplicate", "positives", "top_items", "active_users")
"""The steps, in order; they are the keys of the counts."""

SECONDS_A_DAY = 86_400


def window(shard: Interactions, cleaning: Cleaning, newest: int | None, per_second: int) -> Interactions:
    """Keeps the interactions of the last `window_days` before the newest timestamp of the whole log.

    Args:
        shard: The interactions.
        cleaning: The config.
        newest: The newest timestamp, in the log's unit.
        per_second: The number of the log's time units in a second.
    """
    if cleaning.window_days is None or shard.timestamp is None or newest is None:
        return shard
    return shard.where(shard.timestamp >= newest - cleaning.window_days * SECONDS_A_DAY * per_second)


def deduplicate(shard: Interactions, cleaning: Cleaning) -> Interactions:
    """Keeps the latest interaction of each user with each item in a split, with the value that the config chooses.

    It records when the first one was, because `splitting.hold_out` decides by that.
    """
    if cleaning.deduplicate == "none" or not len(shard):
        return shard
    pair = (shard.user.astype(np.int64) * len(shard.items) + shard.item) * 2 + shard.held_out
    order = stable_order(pair)
    ordered = pair[order]
    changes = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(np.append(True, changes))
    last = order[np.append(changes, True)]
    if len(last) == len(shard):
        return shard
    value = shard.value
    if cleaning.deduplicate != "latest":
        combine = np.maximum if cleaning.deduplicate == "max" else np.add
        value = value.copy()
        value[last] = combine.reduceat(shard.value[order], starts)
    first_row = np.arange(len(shard))
    first_row[last] = order[starts]
    first_timestamp = None if shard.first_timestamp is None else shard.first_timestamp[first_row]
    keep = np.zeros(len(shard), bool)
    keep[last] = True
    return replace(shard, value=value, first=shard.first[first_row], first_timestamp=first_timestamp).where(keep)


def positives(shard: Interactions, cleaning: Cleaning) -> Interactions:
    """Keeps interactions with a value of at least `positive_min`."""
    return shard if cleaning.positive_min is None else shard.where(shard.value >= cleaning.positive_min)


def top_items(shard: Interactions, top: Any | None) -> Interactions:
    """Keeps the interactions of the chosen items.

    Args:
        shard: The interactions.
        top: pyarrow string array of the top items of the whole log; None keeps all.
    """
    if top is None:
        return shard
    kept = np.asarray(pc.is_in(shard.items, value_set=top)).astype(bool)
    return shard.where(kept[shard.item])


def count_beyond_float32(shard: Interactions) -> int:
    """Counts the interactions whose value is too large for an Example; the sum of values that fit may be too large."""
    return int(np.count_nonzero(~columns.fits_float32(shard.value)))


def active_users(shard: Interactions, cleaning: Cleaning) -> Interactions:
    """Keeps users with at least `min_user_events` interactions."""
    if cleaning.min_user_events <= 1 or not len(shard):
        return shard
    counts = np.bincount(shard.user, minlength=len(shard.users))
    return shard.where((counts >= cleaning.min_user_events)[shard.user])


def choose_top_items(counts: Any, n: int) -> Any:
    """Chooses the N items with the most interactions.

    Args:
        counts: pyarrow.Table of `item_id` string and `count` int64, one row per item.
        n: The number of items.

    Returns:
        pyarrow string array; of items with equal counts, the first by id is chosen.
    """
    by_count = counts.sort_by([("count", "descending"), (features.ITEM_ID, "ascending")])
    return by_count.column(features.ITEM_ID).slice(0, n).combine_chunks()


def add_counts(tables: list[Any]) -> Any:
    """Adds up tables of `item_id` and `count`, sorted by id."""
    schema = pa.schema({features.ITEM_ID: pa.string(), "count": pa.int64()})
    if not tables:
        return schema.empty_table()
    added = pa.concat_tables(tables).group_by(features.ITEM_ID).aggregate([("count", "sum")])
    summed = pa.table({features.ITEM_ID: added[features.ITEM_ID], "count": added["count_sum"]}, schema)
    return summed.sort_by(features.ITEM_ID)


def count_items(shard: Interactions) -> Any:
    """Counts the interactions of each item that has any; returns a pyarrow.Table of `item_id` and `count`."""
    counts = shard.item_counts()
    used = counts > 0
    return pa.table({features.ITEM_ID: shard.items.filter(pa.array(used)), "count": pa.array(counts[used])})
