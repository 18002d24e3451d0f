"""metrics.json: the model's metrics at the end of each training epoch, and those of the popularity baseline."""

from typing import ClassVar

from pydantic import ConfigDict, Field

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


class TrainingMetrics(Document):
    """The metrics of one training. The document is nested in state.json, see `documents.warm_state`."""

    FILE: ClassVar[str] = "metrics.json"

    epochs: tuple[Epoch, ...]
    model: dict[str, float]
    """The last epoch's metrics."""

    popularity: dict[str, float]
    """The same metrics of the popularity baseline, on the same users."""

    evaluated: HeldOutCounts
