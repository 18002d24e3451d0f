"""state.json: how to read the tables that a model has learned and that a later model starts from."""

from typing import ClassVar

from documents.document import Document
from documents.metrics import TrainingMetrics


class WarmStateDescription(Document):
    """What the arrays beside it are. Its format version stands for those arrays and for `TrainingMetrics`, too."""

    FILE: ClassVar[str] = "state.json"
    TO_DO: ClassVar[str] = "Training starts cold."

    format_version: int = 2
    architecture: str
    """What the tables mean to each other."""

    embedding_dim: int
    tables: tuple[str, ...]
    """Names of the tables, in the order of the arrays."""

    tables_sha256: str
    """Digest of the file of arrays, 64 hexadecimal digits."""

    metrics: TrainingMetrics
    """What the run's metrics.json held."""

    model_digest: str
    """Of the SavedModel that the tables were exported as, 64 hexadecimal digits."""
