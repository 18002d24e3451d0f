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


class CleaningReport(LogReadingCounts):
    """How many interactions InteractionGen read, cleaned away and kept."""

    FILE: ClassVar[str] = "cleaning.json"

    recent_days: DailyCounts | None
    """None for a log without timestamps."""

    steps: tuple[Step, ...]
    """In the order in which they were applied."""

    splits: dict[str, SplitCounts]
    """By name, `train` and `eval`."""
