"""assets.extra/provenance.json in a SavedModel: the pipeline, config, code and data that made the model."""

from typing import ClassVar

from pydantic import ConfigDict, JsonValue

from documents.document import Document, Values


class MadeBy(Values):
    """What the pipeline knows of a model's origin before the training. An unknown field is an error."""

    model_config = ConfigDict(extra="forbid")

    pipeline: str
    """The pipeline's name."""

    config_digest: str
    code_digest: str


class FinalMetrics(Values):
    """Metrics at the end of the training, by name."""

    model: dict[str, float] = {}
    popularity: dict[str, float] = {}


class Start(Values):
    """The base model that the training started from."""

    warm: bool | None = None
    """Whether the training started from a base model; None if the model does not record it."""

    data_digest: str | None = None
    """The base model's data digest."""

    carried: dict[str, int] = {}
    """Embedding table to the number of rows carried over from the base model."""


class Provenance(Document):
    """The origin of a model. Every field has a default, because a model made elsewhere may record less."""

    FILE: ClassVar[str] = "assets.extra/provenance.json"
    TO_DO: ClassVar[str] = "It is part of the model: delete the folder of the model's version and run again."

    pipeline: str | None = None
    """The pipeline's name."""

    config_digest: str | None = None
    code_digest: str | None = None
    data_digest: str | None = None
    """Digest of all data that the model was trained and evaluated on."""

    candidate: str | None = None
    """The model's name in the comparison that it won, or whose winner it follows; None if there was none."""

    counts: dict[str, int] = {}
    """Sizes of the training data, by name."""

    metrics: FinalMetrics = FinalMetrics()
    learned: FinalMetrics = FinalMetrics()
    """Metrics at the end of the training that the model's parameters come from; those of `metrics`, unless the model
    was refreshed since."""

    versions: dict[str, str] = {}
    """Python and libraries to their versions."""

    base_model: Start = Start()
    tuned: dict[str, JsonValue] = {}
    """Settings of the training that came from the tuner and not from the config, by name."""

    leave_out: str | dict[str, float] | None = None
    """What `recommend` leaves out: the config's `serving.leave_out`."""
