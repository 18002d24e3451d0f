"""training_failure.json: why a candidate of a comparison has no model."""

from typing import ClassVar

from documents.document import Document


class TrainingFailure(Document):
    """Stands in place of the metrics of a training."""

    FILE: ClassVar[str] = "training_failure.json"

    error: str
    """What the training said."""
