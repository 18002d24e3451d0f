"""warm_start.json: what a training started from, and what became of each embedding table's rows."""

from typing import ClassVar

from documents.document import Document, Values


class TableRows(Values):
    """What became of a table's rows."""

    carried: int
    """Rows with values of the base model."""

    new: int
    """Rows of ids that the base model does not know."""

    dropped: int
    """Rows of the base model whose ids are not there any more."""


class WarmStartReport(Document):
    """How a training began."""

    FILE: ClassVar[str] = "warm_start.json"

    base_model: str | None
    """URI of the last blessed model; None if there is none."""

    cold_start_because: str | None
    """None for a warm start, and for a model that is handed on."""

    epochs: int
    """Epochs of the training; 0 if the base model is handed on."""

    unchanged: bool
    """Whether the base model is handed on, as neither data nor config nor code has changed."""

    tables: dict[str, TableRows]
    """By the name of the table's variable."""

    @property
    def is_warm(self) -> bool:
        """Whether training began with the last blessed model, or handed it on."""
        return self.cold_start_because is None
