"""retraining.json: whether training was due in a run, and why."""

from typing import ClassVar

from documents.document import Document, Values
from documents.evaluation import Measurement


class RetrainingRule(Values):
    """One limit of the config's `retraining`."""

    rule: str
    """The name of the setting."""

    value: float
    """The measured value."""

    limit: float
    is_due: bool
    """Whether the limit is passed, so that training is due."""

    detail: str
    """A sentence for people."""


class NewestTargets(Values):
    """What the last blessed model makes of held-out interactions newer than what it learned."""

    users: int
    metric: str
    model: Measurement
    popularity: Measurement
    """The same metric of today's popularity, on the same users."""

    learned: float | None
    """The metric at the end of the training; None if the model does not record it."""


class RetrainingReport(Document):
    """The decision whether a run trains."""

    FILE: ClassVar[str] = "retraining.json"

    is_due: bool
    because: tuple[str, ...]
    """Why training is due, or one sentence that says that no limit is passed."""

    rules: tuple[RetrainingRule, ...] = ()
    """The limits that were checked; empty if training is due in any case."""

    newest: NewestTargets | None = None
    """None if the model was not asked, or too few users have newer interactions."""
