"""warm_start.json: what a training started from, and how many rows of each embedding table it carried over."""

from typing import ClassVar

from documents.document import Document, Values


class TableRows(Values):
    """How many rows of a table were carried over, are new, or were dropped."""

    carried: int
    """Rows that got their values from the base model."""

    new: int
    """Rows of ids that the base model does not know."""

    dropped: int
    """Rows of the base model whose ids do not occur any more."""


class WarmStartReport(Document):
    """The start of a training: warm, cold, or not needed."""

    FILE: ClassVar[str] = "warm_start.json"

    base_model: str | None
    """URI of the last blessed model; None if there is none."""

    cold_start_because: str | None
    """The reason for a cold start; None for a warm start, and if the base model is reused."""

    epochs: int
    """Epochs of the training; 0 if the base model is reused."""

    unchanged: bool
    """Whether the base model is reused, because data, config and code have not changed."""

    refreshed: bool = False
    """Whether the base model took in today's items and users, and learned nothing."""

    tables: dict[str, TableRows]
    """By the name of the table's variable."""

    @property
    def is_trained(self) -> bool:
        """Whether this run learned something."""
        return not self.unchanged and not self.refreshed

    @property
    def is_warm(self) -> bool:
        """Whether the training started from the last blessed model, or reused it."""
        return self.cold_start_because is None
