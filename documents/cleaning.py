"""cleaning.json: what InteractionGen read from the log, and what each cleaning step and each split kept."""

from typing import ClassVar

from pydantic import Field

from documents.document import Values
from documents.reading import LogReadingCounts

TRAIN, EVAL = "train", "eval"
"""The splits."""


class Step(Values):
    """A cleaning step, with the number of interactions before and after it."""

    step: str
    rows_in: int = Field(validation_alias="in", serialization_alias="in")
    rows_out: int = Field(validation_alias="out", serialization_alias="out")


class SplitCounts(Values):
    """The size of a split."""

    users: int
    interactions: int
    items: int
    """Different items of its interactions."""


class DailyCounts(Values):
    """Counts of the log's newest days, before cleaning: one number for each day, the oldest first."""

    events: tuple[int, ...]
    users: tuple[int, ...]
    items: tuple[int, ...]


class Outlier(Values):
    """A user or an item that has far more of the log's rows than the rest."""

    column: str
    """`user_id` or `item_id`."""

    id: str
    """Its first 80 characters."""

    rows: int
    """Its good rows, before cleaning."""

    share: float
    """The share of all good rows."""

    next_rows: int
    """The rows of the largest id that is no outlier."""


class CleaningReport(LogReadingCounts):
    """How many interactions InteractionGen read, cleaned away and kept."""

    FILE: ClassVar[str] = "cleaning.json"

    recent_days: DailyCounts | None
    """None for a log without timestamps."""

    events_export: int | None = None
    """Number up to which every export of the service's events is among the files; None if the first one is not."""

    steps: tuple[Step, ...]
    """In the order in which they were applied."""

    splits: dict[str, SplitCounts]
    """By name, `train` and `eval`."""

    outliers: tuple[Outlier, ...] = ()
    """Users, then items."""

    held_out_early: float | None = None
    """Of the held-out interactions of users with training interactions, the share that is older than the newest of
    these; 0 if the split is one in time. None if the split is not `given`, or the log has no timestamps."""
