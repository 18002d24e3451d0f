"""metrics.json: the model's metrics at the end of each training epoch, and those of the popularity baseline."""

from typing import ClassVar

from pydantic import ConfigDict, Field, JsonValue

from documents.document import Document, Values


class Epoch(Values):
    """One pass over the interactions. Beside these fields, the file holds each metric under its own name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float] = Field(init=False)

    epoch: int
    """From 1."""

    loss: float
    train_seconds: float
    """Seconds without the evaluation."""

    seconds: float
    """Seconds with the evaluation."""

    @property
    def metrics(self) -> dict[str, float]:
        """Metric, such as `recall@10`, to its value over the evaluated users."""
        return dict(self.__pydantic_extra__)


class HeldOutCounts(Values):
    """The numbers of users and targets that the metrics are computed from."""

    users: int
    """Users with a target, after the cut to `trainer.eval_max_users`."""

    users_before_cut: int
    targets: int
    """Different targets of these users."""

    targets_met: int
    """Targets that are already in the user's history; they count as misses."""

    targets_outside_catalogue: int
    """Targets that are not in the catalogue, so that no list can hold them; they count as misses."""


class Choice(Values):
    """What a training chose by targets that it held out of the training interactions."""

    settings: dict[str, JsonValue]
    """The chosen settings, such as the number of epochs."""

    epochs: tuple[Epoch, ...]
    """The training that chose, measured on the held-out targets; empty for a model that has no epochs."""

    model: dict[str, float]
    """The metrics of the chosen model, on these targets."""

    popularity: dict[str, float]
    evaluated: HeldOutCounts
    is_trained_again: bool
    """Whether the model was then trained on all interactions; else the model that chose is the trained one."""


class TrainingMetrics(Document):
    """The metrics of one training. The document is nested in state.json, see `documents.warm_state`."""

    FILE: ClassVar[str] = "metrics.json"

    epochs: tuple[Epoch, ...]
    """The epochs of the model, measured on the held-out targets of `choice` if the model is the one that chose, else on
    the eval split; empty for a model that has no epochs."""

    model: dict[str, float]
    """The metrics of the trained model on the eval split."""

    popularity: dict[str, float]
    """The same metrics of the popularity baseline, on the same users."""

    evaluated: HeldOutCounts
    seconds: float | None = None
    """Seconds of the training, with its choice and its evaluations; None if an older version has written the file."""

    peak_mib: float | None = None
    """The most memory of the process during the training, in MiB; None where the system does not tell."""

    choice: Choice | None = None
    """What the training chose; None if there was nothing to choose."""

    tuned: dict[str, JsonValue] = {}
    """Settings that came from the tuner and not from the config, by name."""
