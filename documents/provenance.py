"""assets.extra/provenance.json in a SavedModel: what the model was made of."""

from typing import ClassVar

from documents.document import Document, Values


class FinalMetrics(Values):
    """Metrics at the end of the training, by name."""

    model: dict[str, float] = {}
    popularity: dict[str, float] = {}


class Start(Values):
    """What the training started from."""

    warm: bool | None = None
    """None where the model does not say."""

    data_digest: str | None = None
    """The base model's."""

    carried: dict[str, int] = {}
    """Embedding table to the rows carried over."""


class Provenance(Document):
    """Where a model comes from. A model of another hand may say less, so that every field has a default."""

    FILE: ClassVar[str] = "assets.extra/provenance.json"
    TO_DO: ClassVar[str] = "It is a part of the model: remove its version's folder, and run again."

    pipeline: str | None = None
    """The pipeline's name."""

    config_digest: str | None = None
    code_digest: str | None = None
    data_digest: str | None = None
    """Of everything that the model learned from and its metrics are of."""

    counts: dict[str, int] = {}
    """Sizes of what it was trained on, by name."""

    metrics: FinalMetrics = FinalMetrics()
    versions: dict[str, str] = {}
    """Python and libraries to their versions."""

    base_model: Start = Start()
