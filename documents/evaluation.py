"""evaluation.json: what RetrievalEvaluator measured of a model, beside others, and how the gate decided."""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from documents.document import Document, Values

MODEL, LAST_BLESSED, POPULARITY, ITEM_ITEM = "model", "last_blessed", "popularity", "item_item"
"""The contenders."""


class Measurement(Values):
    """A figure and its 95 % interval; None where there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


class SliceMeasurements(Values):
    """Figures of a part of the users or targets."""

    users: int
    """Users with a target in the slice."""

    metrics: dict[str, Measurement]


class ContenderMeasurements(Values):
    """Figures of a model or baseline."""

    metrics: dict[str, Measurement]
    """Metric, such as `ndcg@10`, to its figure over all users."""

    slices: dict[str, dict[str, SliceMeasurements]]
    """Kind, such as `user_activity`, to slice to its figures."""


class EvaluatedUsers(Values):
    """Who was evaluated, and on what."""

    evaluated: int
    before_cut: int
    """Users with a target before the cut to `evaluation.max_users`."""

    targets: int
    targets_met: int
    """Targets that the user had met before, which count as misses."""

    targets_outside_catalogue: int
    """Targets that no list can hold, which count as misses."""


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
    """Whether it was held out: the user really chose it."""


class SampledUser(Values):
    """What one user, whose id is not kept, has met and would see."""

    known_user: bool
    """Whether the user was trained on."""

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
    """What a person can judge by eye."""

    recommendations: tuple[SampledUser, ...] = ()
    neighbours: tuple[SampledItem, ...] = ()


class EvaluatedModel(Values):
    """Which model was evaluated."""

    uri: str
    """The model artifact."""

    digest: str | None
    """Of its SavedModel, 64 hexadecimal digits; None where it could not be loaded."""


class Stability(Values):
    """How many of an item's neighbours are the last blessed model's, too."""

    # The 10 is `configs.evaluation.LIST_K`; a test compares the two.
    mean_jaccard: float = Field(validation_alias="mean_jaccard@10", serialization_alias="mean_jaccard@10")
    """Mean Jaccard index of the ten nearest neighbours; 1 is all."""

    items: int
    """Items that have neighbours in both models."""


class Rule(Values):
    """One rule of the gate and how it came out."""

    rule: str
    passed: bool
    detail: str
    """A sentence for people."""

    metric: str | None
    """What is looked at; None where the rule looks at no figure."""

    value: float | None
    limit: float | None
    low: float | None
    """Lower end of the value's 95 % interval."""

    high: float | None
    """Upper end of it."""


class Decision(Values):
    """What the gate decided."""

    blessed: bool
    rules: tuple[Rule, ...]

    @property
    def failed(self) -> tuple[Rule, ...]:
        """The rules that refuse the model."""
        return tuple(rule for rule in self.rules if not rule.passed)


class EvaluationReport(Document):
    """What was measured and decided."""

    # JSON has no word for what is not finite; the writer says None.
    model_config = ConfigDict(allow_inf_nan=False)

    FILE: ClassVar[str] = "evaluation.json"

    users: EvaluatedUsers
    settings: dict[str, Any]
    """The config's `evaluation`."""

    gate: dict[str, Any]
    """The config's `gate`."""

    contenders: dict[str, ContenderMeasurements]
    """By name; none where the model could not be loaded or nobody could be asked."""

    differences: dict[str, dict[str, Measurement]]
    """Other contender to metric to the model's figure minus the other's, over all users."""

    samples: Samples
    models: dict[str, EvaluatedModel]
    """`model` and, if there is one, `last_blessed`."""

    neighbour_stability: Stability | None
    decision: Decision
    seconds: dict[str, float]
    """Step to its seconds."""
