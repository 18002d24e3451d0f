"""Finds each user's newest interactions, and when each item was met: what the service needs beside a model.

Both cover the train split and the held-out interactions: a model is not trained on what is held out, but the user who
asks it has done it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from configs.cleaning import Cleaning
from configs.leave_out import LeaveOut
from documents import service_data
from pipeline.components.interaction_gen.cleaning import deduplicate
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.ground.parquet import ROWS_A_TABLE


def history_schema(is_timed: bool) -> Any:
    """Returns the Arrow schema of histories; see `documents.service_data`."""
    times = {service_data.TIME: pa.list_(pa.int64())} if is_timed else {}
    return pa.schema(
        {
            service_data.USER_ID: pa.string(),
            service_data.ITEM_ID: pa.list_(pa.string()),
            service_data.WEIGHT: pa.list_(pa.float32()),
            **times,
        }
    )


def whole(shard: Interactions, cleaning: Cleaning, leave_out: LeaveOut) -> Interactions:
    """Joins the interactions of a user with an item as if none were held out.

    Args:
        shard: Cleaned interactions, before the split or after it.
        cleaning: The config.
        leave_out: What may not be recommended again.

    Returns:
        The interactions that a model without held-out interactions would learn from.
    """
    if leave_out == "everything" and not shard.held_out.any():
        return shard  # cleaning has joined them, and it takes longer than all the rest here
    return deduplicate(replace(shard, held_out=np.zeros(len(shard), bool)), cleaning)


def histories(shard: Interactions, max_items: int, per_second: int, weighted: bool) -> Iterator[Any]:
    """Cuts each user's interactions to the newest ones.

    Args:
        shard: What `whole` returns.
        max_items: The most interactions of a user, 1 or more.
        per_second: The number of the log's time units in a second.
        weighted: Whether the values are event weights. If not, each interaction weighs 1, as in training.

    Yields:
        Tables of `history_schema`, one row for each user with interactions, sorted by user id.
    """
    newest = shard.where(_from_end(shard) < max_items)
    counts = np.bincount(newest.user, minlength=len(newest.users))
    shown, ends = np.flatnonzero(counts), np.cumsum(counts)
    weight = newest.value.astype(np.float32) if weighted else np.ones(len(newest), np.float32)
    schema = history_schema(newest.timestamp is not None)
    for first in range(0, len(shown), ROWS_A_TABLE):
        users = shown[first : first + ROWS_A_TABLE]
        rows = slice(ends[users[0]] - counts[users[0]], ends[users[-1]])
        offsets = pa.array(np.append(0, np.cumsum(counts[users])).astype(np.int32))
        columns = [newest.items.take(pa.array(newest.item[rows])), pa.array(weight[rows])]
        if newest.timestamp is not None:
            columns.append(pa.array(newest.timestamp[rows] // per_second))
        lists = [pa.ListArray.from_arrays(offsets, column) for column in columns]
        yield pa.table([newest.users.take(pa.array(users)), *lists], schema)


def item_times(shard: Interactions, per_second: int) -> Any:
    """Finds the first and the last time at which each item was met.

    Args:
        shard: Cleaned interactions with timestamps.
        per_second: The number of the log's time units in a second.

    Returns:
        pyarrow.Table of `item_id`, `first_time` and `last_time` (int64, Unix seconds), one row for each item that has
        interactions.
    """
    assert shard.timestamp is not None
    assert shard.first_timestamp is not None
    first = np.full(len(shard.items), np.iinfo(np.int64).max)
    last = np.full(len(shard.items), np.iinfo(np.int64).min)
    np.minimum.at(first, shard.item, shard.first_timestamp)
    np.maximum.at(last, shard.item, shard.timestamp)
    met = shard.item_counts() > 0
    times = [pa.array(time[met] // per_second) for time in (first, last)]
    return pa.table([shard.items.filter(pa.array(met)), *times], _TIMES)


def merge_item_times(tables: list[Any]) -> Any:
    """Merges tables of `item_times`; the result is sorted by id."""
    first, last = service_data.FIRST_TIME, service_data.LAST_TIME
    merged = pa.concat_tables([_TIMES.empty_table(), *tables])
    merged = merged.group_by(service_data.ITEM_ID).aggregate([(first, "min"), (last, "max")])
    columns = [merged[name] for name in (service_data.ITEM_ID, f"{first}_min", f"{last}_max")]
    return pa.table(columns, _TIMES).sort_by(service_data.ITEM_ID)


_TIMES = pa.schema(
    {
        service_data.ITEM_ID: pa.string(),
        service_data.FIRST_TIME: pa.int64(),
        service_data.LAST_TIME: pa.int64(),
    }
)


def _from_end(shard: Interactions) -> npt.NDArray[np.int64]:
    """Returns [n] int64: how many interactions of the same user come after each."""
    return shard.user_ends()[shard.user] - 1 - np.arange(len(shard))
