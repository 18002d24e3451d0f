"""comparison.json: how the candidates of a comparison did, which one was chosen, and why."""

from typing import Any, ClassVar

from documents.document import Document, Values
from documents.evaluation import ContenderMeasurements, Decision, EvaluatedUsers, Measurement


class Candidate(Values):
    """A model that was compared."""

    name: str
    settings: dict[str, Any]
    """Its settings in the config."""

    chosen: dict[str, Any]
    """What its training chose, such as the number of epochs."""

    seconds: float | None
    """Seconds of its training, with its choices and evaluations."""

    peak_mib: float | None
    """The most memory of the process that trained it, in MiB."""

    export_mib: float | None
    """Size of its SavedModel, in MiB."""

    latency_ms: float | None
    """The median of ServingCheck's requests to `recommend`, in milliseconds; None if it did not answer."""

    validation: Measurement | None
    """The metric of the choice, on targets that were held out of the training interactions; None if the model was not
    measured on them."""

    behind: Measurement | None
    """How far it is behind the best candidate in that; None for the best, and if it was not measured."""

    fault: str | None
    """Why it cannot be chosen; None if it can."""

    evaluation: ContenderMeasurements | None
    """Its metrics on the eval split; None if it could not be asked."""

    decision: Decision | None
    """What the gate would say of it; None if it could not be asked."""


class ComparisonReport(Document):
    """The candidates and the winner."""

    FILE: ClassVar[str] = "comparison.json"

    metric: str
    """The metric of the choice."""

    validation_users: int
    """Users who have targets to choose by."""

    users: EvaluatedUsers
    """Users of the eval split."""

    candidates: tuple[Candidate, ...]
    """The best first, by the metric of the choice."""

    winner: str
    reason: str
    """Why it won: a sentence for people."""

    differences: dict[str, dict[str, Measurement]]
    """Other candidate or baseline to metric to the winner's value minus the other's, on the eval split."""

    baselines: dict[str, ContenderMeasurements]
    """Popularity, item-item and, if there is one, the last blessed model, on the eval split."""

    @property
    def won(self) -> Candidate:
        """The winner."""
        return next(candidate for candidate in self.candidates if candidate.name == self.winner)
