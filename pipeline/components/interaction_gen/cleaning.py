"""Cleans a shard of interactions, with one function for each step. All keep the order of the remaining interactions."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.cleaning import Cleaning
from configs.leave_out import FromWeight, LeaveOut, is_left_out
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


def deduplicate(shard: Interactions, cleaning: Cleaning, leave_out: LeaveOut = "everything") -> Interactions:
    """Keeps the latest event of each interaction of a user with an item in a split, with the value the config chooses.

    An interaction holds all events of the user with the item. If only events from a weight on are left out, the lighter
    events before the first one of that weight are an interaction of their own: the item may be recommended after them,
    so a purchase that follows may be a target. If nothing is left out, each event is an interaction, and may be a
    target. `joined` joins them after the split.

    It records when the first event was, because `splitting.hold_out` decides by that.
    """
    if cleaning.deduplicate == "none" or leave_out == "nothing" or not len(shard):
        return shard
    pair = _pair(shard)
    order = stable_order(pair)
    ordered = pair[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])
    is_met = np.ones(len(shard), bool)
    if isinstance(leave_out, FromWeight):
        is_met = _is_met(is_left_out(shard.value[order], leave_out), begins)
        begins[1:] |= is_met[1:] & ~is_met[:-1]
    starts = np.flatnonzero(begins)
    last = order[np.append(begins[1:], True)]
    if len(last) == len(shard):
        return shard
    value = shard.value
    if cleaning.deduplicate != "latest":
        combine = np.maximum if cleaning.deduplicate == "max" else np.add
        value = value.copy()
        value[last] = combine.reduceat(shard.value[order], starts)
    if isinstance(leave_out, FromWeight):
        value = value.copy()
        value[last] = _on_its_side(value[last], is_met[starts], leave_out)
    first_row = np.arange(len(shard))
    first_row[last] = order[starts]
    first_timestamp = None if shard.first_timestamp is None else shard.first_timestamp[first_row]
    keep = np.zeros(len(shard), bool)
    keep[last] = True
    return replace(shard, value=value, first=shard.first[first_row], first_timestamp=first_timestamp).where(keep)


def joined(shard: Interactions, cleaning: Cleaning, leave_out: LeaveOut) -> Interactions:
    """Joins the interactions of a user with an item in a split to one, unless the config keeps repeats."""
    return shard if leave_out == "everything" else deduplicate(shard, cleaning)


def positives(shard: Interactions, cleaning: Cleaning, leave_out: LeaveOut = "everything") -> Interactions:
    """Keeps interactions with a value of at least `positive_min`, where those of a user with an item count together."""
    if cleaning.positive_min is None:
        return shard
    whole = joined(shard, cleaning, leave_out)
    if len(whole) == len(shard):
        return shard.where(shard.value >= cleaning.positive_min)
    return shard.where(np.isin(_pair(shard), _pair(whole)[whole.value >= cleaning.positive_min]))


def _pair(shard: Interactions) -> npt.NDArray[np.int64]:
    """Returns [n] int64, which is equal where user, item and split are."""
    return (shard.user.astype(np.int64) * len(shard.items) + shard.item) * 2 + shard.held_out


def _is_met(is_heavy: npt.NDArray[np.bool_], begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Returns [n] bool: whether the event or an earlier one of its pair is heavy.

    Args:
        is_heavy: [n], in the order of pairs and then of time.
        begins: [n], whether a pair begins.
    """
    heavy = np.cumsum(is_heavy)
    before: npt.NDArray[np.int64] = (heavy - is_heavy)[begins]
    return heavy > before[np.cumsum(begins) - 1]


def _on_its_side(
    value: npt.NDArray[np.float64], is_met: npt.NDArray[np.bool_], rule: FromWeight
) -> npt.NDArray[np.float64]:
    """Limits combined values so that the rule sees what the events were.

    The sum of many views is no purchase, and an article that was bought and later viewed stays bought.
    """
    below = float(np.nextafter(np.float32(rule.from_weight), np.float32(0)))
    return np.where(is_met, np.maximum(value, rule.from_weight), np.minimum(value, below))


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


def active_users(shard: Interactions, cleaning: Cleaning, leave_out: LeaveOut = "everything") -> Interactions:
    """Keeps users with at least `min_user_events` interactions, where those with one item count once."""
    if cleaning.min_user_events <= 1 or not len(shard):
        return shard
    counts = np.bincount(joined(shard, cleaning, leave_out).user, minlength=len(shard.users))
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
