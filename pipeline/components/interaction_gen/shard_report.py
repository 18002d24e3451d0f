"""What the steps and the splits kept of shards of users, and whether it can be used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from documents.cleaning import Outlier
from pipeline.components.interaction_gen import cleaning, newest, outliers, recent
from pipeline.components.interaction_gen.recent import RecentDays
from pipeline.ground import arrow_bytes
from pipeline.reading import spellings
from pipeline.reading.spellings import Spellings
from transforms import features


@dataclass
class ShardReport:
    """How many interactions of some shards the steps and the splits kept."""

    steps: dict[str, tuple[int, int]]
    """Step to the number of interactions before and after it."""

    splits: dict[str, dict[str, int]]
    """Split to its numbers of `users` and `interactions`."""

    items: dict[str, Any]
    """Split to a pyarrow.Table of its items and their interaction counts, as bytes of an Arrow stream."""

    beyond_float32: int = 0
    """Interactions whose values add up to more than an Example can hold."""

    recent: RecentDays | None = None
    """Counts by day; None if the step does not count days, and if the log has no timestamps."""

    users: Spellings = spellings.NONE
    """User ids that are written in several ways."""

    busiest: tuple[outliers.Rows, ...] = ()
    """The users with the most rows, before cleaning."""

    log_items: bytes | None = None
    """The items before cleaning, as a table of `items`; None if the step does not count them."""

    early: tuple[int, int] = (0, 0)
    """What `splitting.count_early` counts; zeros if nothing was counted."""

    item_times: bytes | None = None
    """What `newest.item_times` returns, as bytes of an Arrow stream; None if the step does not look for it, and if the
    log has no timestamps."""


def merge(reports: Iterable[ShardReport]) -> ShardReport:
    """Merges reports of different shards, or of different steps of one, in any order."""
    merged = ShardReport({}, {}, {})
    tables: dict[str, list[Any]] = {}
    recents: list[RecentDays] = []
    spelled: list[Spellings] = []
    log_items: list[Any] = []
    item_times: list[Any] = []
    for part in reports:
        merged.busiest = tuple(outliers.most((*merged.busiest, *part.busiest)))
        merged.early = (merged.early[0] + part.early[0], merged.early[1] + part.early[1])
        log_items += [] if part.log_items is None else [arrow_bytes.from_bytes(part.log_items)]
        item_times += [] if part.item_times is None else [arrow_bytes.from_bytes(part.item_times)]
        recents += [part.recent] if part.recent is not None else []
        merged.beyond_float32 += part.beyond_float32
        spelled.append(part.users)
        for step, (before, after) in part.steps.items():
            so_far = merged.steps.get(step, (0, 0))
            merged.steps[step] = (so_far[0] + before, so_far[1] + after)
        for split, numbers in part.splits.items():
            ours = merged.splits.setdefault(split, dict.fromkeys(numbers, 0))
            for name, number in numbers.items():
                ours[name] += number
        for split, items in part.items.items():
            tables.setdefault(split, []).append(arrow_bytes.from_bytes(items))
    merged.recent = recent.add(recents) if recents else None
    merged.users = spellings.merge(spelled)
    merged.log_items = arrow_bytes.to_bytes(cleaning.add_counts(log_items)) if log_items else None
    merged.item_times = arrow_bytes.to_bytes(newest.merge_item_times(item_times)) if item_times else None
    merged.items = {split: arrow_bytes.to_bytes(cleaning.add_counts(parts)) for split, parts in tables.items()}
    return merged


def fault(found: ShardReport) -> str | None:
    """Explains why the cleaned interactions cannot be used; None if they can."""
    counted = _log_items(found)
    items = spellings.find(counted.column(features.ITEM_ID).combine_chunks(), counted.column("count").to_numpy())
    for field, spelled in (("user_id", found.users), ("item_id", items)):
        if spelled.count:
            return f"{field}: {spelled.describe()}. {spellings.ADVICE}"
    if not found.beyond_float32:
        return None
    return (
        f"the values of {found.beyond_float32} pair(s) of user and item add up to more than a 32-bit number holds, "
        "3.4e38. Check columns.value, or set cleaning.deduplicate: latest or max."
    )


def _log_items(found: ShardReport) -> Any:
    """The items before cleaning, as a pyarrow.Table of `item_id` and `count`."""
    return cleaning.add_counts([]) if found.log_items is None else arrow_bytes.from_bytes(found.log_items)


def outliers_of(found: ShardReport) -> tuple[Outlier, ...]:
    """Finds the users and items that have far more rows than the rest."""
    counted = _log_items(found)
    rows = int(counted.column("count").to_numpy().sum())
    largest = counted.sort_by([("count", "descending"), (features.ITEM_ID, "ascending")]).slice(0, outliers.KEPT)
    ranked = list(zip(largest.column(features.ITEM_ID).to_pylist(), largest.column("count").to_pylist(), strict=True))
    return (
        *outliers.find(features.USER_ID, found.busiest, rows),
        *outliers.find(features.ITEM_ID, ranked, rows),
    )
