"""evaluation.json: the metrics of a model and of those it is compared with, and the gate's decision."""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from documents.document import Document, Values

MODEL, LAST_BLESSED, POPULARITY, ITEM_ITEM = "model", "last_blessed", "popularity", "item_item"
RECENT_POPULARITY = "recent_popularity"
"""The contenders. Only a log with times has a recent popularity."""


class Measurement(Values):
    """A metric's value and its 95 % interval; None where there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


class SliceMeasurements(Values):
    """Metrics of a part of the users or targets."""

    users: int
    """Users with a target in the slice."""

    metrics: dict[str, Measurement]


class ContenderMeasurements(Values):
    """Metrics of a model or baseline."""

    metrics: dict[str, Measurement]
    """Metric, such as `ndcg@10`, to its value over all users."""

    slices: dict[str, dict[str, SliceMeasurements]]
    """Kind, such as `user_activity`, to slice to its metrics."""


class EvaluatedUsers(Values):
    """The numbers of users and targets that the metrics are computed from."""

    evaluated: int
    before_cut: int
    """Users with a target before the cut to `evaluation.max_users`."""

    targets: int
    targets_met: int
    """Targets that are left out because the user has met them; they count as misses."""

    targets_outside_catalogue: int
    """Targets that are not in the catalogue, so that no list can hold them; they count as misses."""


class Item(Values):
    """An item that a person can recognise."""

    item_id: str
    title: str


class ScoredItem(Item):
    """An item of an answer."""

    score: float | None


class RecommendedItem(ScoredItem):
    """An item that was recommended."""

    is_target: bool
    """Whether the item is a held-out target, which the user really chose."""


class SampledUser(Values):
    """The history and the recommendations of one user, whose id is not kept."""

    known_user: bool
    """Whether the user is in the train split."""

    history: tuple[Item, ...]
    """The newest items, the newest last."""

    recommended: tuple[RecommendedItem, ...]
    """Best first."""

    targets: tuple[Item, ...]


class SampledItem(Item):
    """An item and its nearest neighbours."""

    similar: tuple[ScoredItem, ...]
    """Best first."""


class Samples(Values):
    """Examples that a person can judge by eye."""

    recommendations: tuple[SampledUser, ...] = ()
    neighbours: tuple[SampledItem, ...] = ()


class EvaluatedModel(Values):
    """Which model was evaluated."""

    uri: str
    """The model artifact."""

    digest: str | None
    """Digest of its SavedModel, 64 hexadecimal digits; None if it could not be loaded."""


class Stability(Values):
    """How many of an item's neighbours are the same as in the last blessed model."""

    # The 10 is `configs.evaluation.LIST_K`; a test compares the two.
    mean_jaccard: float = Field(validation_alias="mean_jaccard@10", serialization_alias="mean_jaccard@10")
    """Mean Jaccard index of the ten nearest neighbours; 1 means that all are the same."""

    items: int
    """Items that have neighbours in both models."""


class Rule(Values):
    """One rule of the gate and its outcome."""

    rule: str
    passed: bool
    detail: str
    """A sentence for people."""

    metric: str | None
    """The metric that the rule checks; None if it checks none."""

    value: float | None
    limit: float | None
    low: float | None
    """Lower end of the value's 95 % interval."""

    high: float | None
    """Upper end of the interval."""


class Decision(Values):
    """The gate's decision."""

    blessed: bool
    rules: tuple[Rule, ...]

    @property
    def failed(self) -> tuple[Rule, ...]:
        """The rules that the model failed."""
        return tuple(rule for rule in self.rules if not rule.passed)


class EvaluationReport(Document):
    """The metrics and the decision."""

    # JSON cannot represent numbers that are not finite; the writer puts None in their place.
    model_config = ConfigDict(allow_inf_nan=False)

    FILE: ClassVar[str] = "evaluation.json"

    users: EvaluatedUsers
    settings: dict[str, Any]
    """The config's `evaluation`."""

    gate: dict[str, Any]
    """The config's `gate`."""

    leave_out: str | dict[str, float]
    """The config's `serving.leave_out`, by which all contenders were judged."""

    contenders: dict[str, ContenderMeasurements]
    """Metrics by contender; empty if the model could not be loaded or no user could be evaluated."""

    differences: dict[str, dict[str, Measurement]]
    """Other contender to metric to the model's value minus the other's, over all users."""

    samples: Samples
    models: dict[str, EvaluatedModel]
    """`model` and, if there is one, `last_blessed`."""

    neighbour_stability: Stability | None
    decision: Decision
    seconds: dict[str, float]
    """Step to its seconds."""
