"""validation.json: what each user's list was worth, on targets that were held out of the training interactions."""

from typing import ClassVar

from documents.document import Document


class ValidationReport(Document):
    """The metrics of a model that was trained without these targets. All models of a run have the same users."""

    FILE: ClassVar[str] = "validation.json"

    by_user: dict[str, tuple[float, ...]]
    """Metric, such as `ndcg@10`, to its value for each user, in id-hash order."""
