"""tuning.json: what a search tried, and what it took; and newest.json: where the newest result is."""

from typing import ClassVar, Literal

from pydantic import JsonValue

from documents.document import Document, Values

Origin = Literal["config", "last search", "space", "near the best"]
"""Where the settings of a trial come from."""

TrialState = Literal["complete", "stopped", "out of time", "failed"]
"""How a trial ended. `stopped`: after some epochs, because too many others were better by then."""


class Trial(Values):
    """One training with settings to try."""

    number: int
    """From 1."""

    origin: Origin
    values: dict[str, JsonValue]
    """The searched settings, by name."""

    state: TrialState
    score: float | None
    """The metric of the model; None unless the trial is complete."""

    epochs: tuple[float, ...] = ()
    """The metric after each epoch; empty for a model that has none."""

    seconds: float
    """With the measuring."""

    error: str | None = None
    """Why it failed."""


class Difference(Values):
    """The difference of two models in the metric, with its 95 % interval over the users."""

    value: float
    low: float
    high: float


class TuningReport(Document):
    """One search."""

    FILE: ClassVar[str] = "tuning.json"

    kind: str
    """The kind of the model."""

    metric: str
    users: int
    """Users whose held-out targets the trials were measured on."""

    trials: tuple[Trial, ...]
    """In the order in which they were made; the first one has the settings of the config."""

    best: int | None
    """Number of the complete trial with the highest score; None if the trial of the config's settings has none."""

    difference: Difference | None
    """The best trial less that of the config's settings; None if these are the best."""

    is_taken: bool
    """Whether the best settings replace those of the config: the interval of the difference lies above zero."""

    seconds: float
    """Of all trials."""


class NewestTuning(Document):
    """The newest result of a pipeline's tuner, where no metadata store can be asked for it."""

    FILE: ClassVar[str] = "newest.json"
    TO_DO: ClassVar[str] = "Delete it: runs then train with the settings of the config, until the next search."

    uri: str
    """The artifact of the hyperparameters."""

    searched: int
    """When the search ended, in Unix seconds."""
