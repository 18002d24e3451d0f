"""Counts the events, users and items of each of the log's newest days, before cleaning.

A day is 24 hours, counted back from the newest timestamp, so that every day is complete at any hour of the export.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from documents.cleaning import DailyCounts
from pipeline.components.interaction_gen.cleaning import SECONDS_A_DAY
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.ground import arrow_bytes
from transforms import features

DAYS = 28
"""The most days that are counted; a shorter log has fewer whole days. Four weeks hold each weekday equally often."""


@dataclass(frozen=True)
class RecentDays:
    """Counts of one shard, or of several, by age in days: the first count is that of the newest day."""

    events: npt.NDArray[np.int64]
    """`[days]`, the number of rows."""

    users: npt.NDArray[np.int64]
    """`[days]`, the number of different users; each user is in one shard only."""

    items: bytes
    """Arrow stream of a table of `item_id` and `days`, int64. Bit n of `days` is set if the item occurs at age n."""

    def counts(self) -> DailyCounts:
        """Returns the counts of each day, the oldest first."""
        days = arrow_bytes.from_bytes(self.items).column("days").to_numpy()
        items = [int(np.count_nonzero(days >> age & 1)) for age in range(len(self.events))]
        return DailyCounts(
            events=tuple(self.events[::-1].tolist()), users=tuple(self.users[::-1].tolist()), items=tuple(items[::-1])
        )


def count(shard: Interactions, oldest: int, newest: int, per_second: int) -> RecentDays:
    """Counts a shard.

    Args:
        shard: All interactions of some users, with timestamps.
        oldest: The oldest timestamp of the log, in its unit.
        newest: The newest timestamp of the log.
        per_second: The number of the log's time units in a second.
    """
    assert shard.timestamp is not None
    a_day = SECONDS_A_DAY * per_second
    days = min(DAYS, (newest - oldest) // a_day)
    age = (newest - shard.timestamp) // a_day
    recent = age < days
    age, user, item = age[recent], shard.user[recent], shard.item[recent]
    item_of_pair, age_of_pair = np.divmod(np.unique(item.astype(np.int64) * DAYS + age), DAYS)
    # A sum of different powers of two. It is exact, because they are fewer than the 53 bits of a float64.
    bits = np.bincount(item_of_pair, np.exp2(age_of_pair), len(shard.items)).astype(np.int64)
    return RecentDays(
        events=np.bincount(age, minlength=days),
        users=np.bincount(np.unique(user.astype(np.int64) * DAYS + age) % DAYS, minlength=days),
        items=arrow_bytes.to_bytes(_table(shard.items, bits)),
    )


def add(parts: Sequence[RecentDays]) -> RecentDays:
    """Adds up the counts of different shards, of at least one."""
    table = pa.concat_tables([arrow_bytes.from_bytes(part.items) for part in parts])
    item = table.column(features.ITEM_ID).combine_chunks().dictionary_encode()
    item = item.combine_chunks() if isinstance(item, pa.ChunkedArray) else item
    code, days = item.indices.to_numpy(), table.column("days").to_numpy()
    bits = np.zeros(len(item.dictionary), np.int64)
    for age in range(DAYS):
        bits[np.unique(code[days >> age & 1 > 0])] |= 1 << age
    return RecentDays(
        events=np.sum([part.events for part in parts], axis=0),
        users=np.sum([part.users for part in parts], axis=0),
        items=arrow_bytes.to_bytes(_table(item.dictionary, bits)),
    )


def _table(item_id: Any, bits: npt.NDArray[np.int64]) -> Any:
    occurs = bits > 0
    return pa.table({features.ITEM_ID: item_id.filter(pa.array(occurs)), "days": pa.array(bits[occurs])})
