"""Defines how the log is cleaned."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Cleaning(Settings):
    """The steps that clean the log, in the order of these fields. Each step counts what it removes.

    Example:
        log:
          path: events-*.csv
          columns: {value: event, timestamp: time}
          event_weights: {view: 0.5, basket: 2, purchase: 6}
          cleaning:
            window_days: 365
            deduplicate: sum
            min_user_events: 2
    """

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Largest share of unreadable rows; above it the run stops. Default 1 %: a good export has few, a broken one
    many."""

    max_quarantine_rows: int = Field(default=10_000, ge=0)
    """Largest number of bad rows that are written to the quarantine, with file, row and reason. The rest are only
    counted."""

    max_future_seconds: int = Field(default=86_400, ge=0)
    """How far a timestamp may be ahead of the run's clock; a row further ahead is a bad row. Default: a day, for local
    times that were exported as UTC."""

    window_days: float | None = Field(default=None, gt=0)
    """Days to keep, back from the newest timestamp in the data. None: all."""

    deduplicate: Literal["latest", "max", "sum", "none"] = "latest"
    """What happens when a user meets an item more than once. One interaction stays, with the latest value, the largest
    (`max`), or the sum (for event weights); `none` keeps all.

    The one that stays has the latest timestamp. The first timestamp decides on which side of a split it is, because a
    user who comes back to an item has met it before. If `serving.leave_out` allows the item to be recommended again,
    the return may be on another side; then one interaction stays on each side. Where `leave_out` has a weight, the sum
    of lighter events stays below it, and no lighter event takes the weight away.
    """

    positive_min: float | None = None
    """Least value of an interaction, after deduplication; those below are dropped. None: every interaction counts.
    Without a value column each is worth 1, so only `deduplicate: sum`, which counts them, leaves something to
    compare."""

    top_items: int | None = Field(default=None, ge=1)
    """Number of the most interacted items to keep (ties by id). None: all items."""

    min_user_events: int = Field(default=1, ge=1)
    """Least number of interactions of a user, after all other steps; users with fewer are dropped."""
