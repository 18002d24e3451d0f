"""Events, users and items of each of the newest days of the log, before anything is taken out of it.

Days are of 24 hours, counted back from the newest timestamp: none of them is cut off by the hour of the export.
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

DAYS = 28
"""Days that are counted, or as many whole ones as the log has: four weeks, in which no weekday stands out."""


@dataclass(frozen=True)
class RecentDays:
    """Counts of a shard, or of several, by age in days: the first is of the newest day."""

    events: npt.NDArray[np.int64]
    """`[days]`, rows."""

    users: npt.NDArray[np.int64]
    """`[days]`, different ones; each user is in one shard alone."""

    items: bytes
    """Arrow stream of a table of `item_id` and `days`, int64, whose bit n says that the item was met at age n."""

    def counts(self) -> DailyCounts:
        """The numbers of each day."""
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
        newest: The newest.
        per_second: The log's time units in a second.
    """
    assert shard.timestamp is not None
    a_day = SECONDS_A_DAY * per_second
    days = min(DAYS, (newest - oldest) // a_day)
    age = (newest - shard.timestamp) // a_day
    recent = age < days
    age, user, item = age[recent], shard.user[recent], shard.item[recent]
    of_item, at = np.divmod(np.unique(item.astype(np.int64) * DAYS + age), DAYS)
    # A sum of different powers of two: exact, as there are fewer than the 53 that a float64 holds.
    bits = np.bincount(of_item, np.exp2(at), len(shard.items)).astype(np.int64)
    return RecentDays(
        events=np.bincount(age, minlength=days),
        users=np.bincount(np.unique(user.astype(np.int64) * DAYS + age) % DAYS, minlength=days),
        items=arrow_bytes.to_bytes(_table(shard.items, bits)),
    )


def add(parts: Sequence[RecentDays]) -> RecentDays:
    """Adds up different shards, at least one."""
    table = pa.concat_tables([arrow_bytes.from_bytes(part.items) for part in parts])
    item = table.column("item_id").combine_chunks().dictionary_encode()
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
    met = bits > 0
    return pa.table({"item_id": item_id.filter(pa.array(met)), "days": pa.array(bits[met])})
