"""state.json: describes the embedding tables that a model has learned and that a later training starts from."""

from typing import ClassVar

from documents.document import Document
from documents.metrics import TrainingMetrics


class WarmStateDescription(Document):
    """Describes the arrays beside it. Its format version also covers these arrays and `TrainingMetrics`."""

    FILE: ClassVar[str] = "state.json"
    TO_DO: ClassVar[str] = "Training starts cold."

    format_version: int = 3
    architecture: str
    """How the model combines the tables."""

    tables: tuple[str, ...]
    """Names of the tables, in the order of the arrays."""

    arrays: tuple[str, ...]
    """Names of what belongs to no id, in the order of the arrays."""

    tables_sha256: str
    """Digest of the file of arrays, 64 hexadecimal digits."""

    metrics: TrainingMetrics
    """The content of the run's metrics.json."""

    model_digest: str
    """Digest of the SavedModel that was exported with these tables, 64 hexadecimal digits."""
