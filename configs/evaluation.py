"""Defines how RetrievalEvaluator measures a model, and which model it blesses."""

from pydantic import Field, field_validator, model_validator

from common.errors import ConfigError
from configs.base import Settings

LIST_K = 10
"""The length of the lists for coverage, Gini, popularity, novelty and slices: as many items as a page shows."""


class Evaluation(Settings):
    """How RetrievalEvaluator measures a model.

    Example:
        evaluation:
          top_k: [1, 5, 10, 20, 50, 100]
          max_users: 20000
    """

    top_k: tuple[int, ...] = (1, 5, 10, 20, 50, 100)
    """The values of k in recall@k, nDCG@k and hit_rate@k. 10 must be among them; MRR uses the largest."""

    max_users: int = Field(default=50_000, ge=1)
    """Largest number of evaluated users, the first ones in id-hash order; it bounds the time of an evaluation."""

    seed: int = Field(default=0, ge=0)
    """Seed of the bootstrap and of the samples."""

    resamples: int = Field(default=1000, ge=100)
    """Number of bootstrap resamples. Default 1000, which Efron and Tibshirani (1993) ask of percentile intervals: each
    end of a 95 % interval then depends on 25 resamples."""

    activity_from: tuple[int, ...] = (1, 5, 20, 100)
    """Numbers of interactions in the history at which the next slice of user_activity begins. The default makes the
    slices 0, 1-4, 5-19, 20-99 and 100+."""

    head_share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the training interactions that the head holds: the most popular items that together have it."""

    torso_share: float = Field(default=0.3, gt=0, lt=1)
    """Share of the training interactions that the torso holds, the next most popular items. All other items are the
    tail, also those without interactions. Defaults of 50 % and 30 %: the tail then has the fifth of all interactions
    that is spread over most of the items."""

    popularity_days: float = Field(default=14, gt=0)
    """How many days before the newest training interaction the recent popularity counts, a baseline where the log has
    times. Default 14: of 1, 3, 7, 14, 30, 60 and 120, within 1 % of the best nDCG@10 on both MovieLens 100K and
    MovieTweetings, where the last tenth of the training interactions in time was to be guessed; 7 is the best on
    MovieTweetings and 5 % lower on MovieLens. There, all-time popularity reaches 0.230 and 0.050, that of 14 days 0.276
    and 0.135."""

    @field_validator("top_k")
    @classmethod
    def _top_k_is_usable(cls, top_k: tuple[int, ...]) -> tuple[int, ...]:
        if LIST_K not in top_k or min(top_k) < 1:
            raise ValueError(f"must hold positive integers and include {LIST_K}; received {top_k}")
        return top_k

    @field_validator("activity_from")
    @classmethod
    def _activity_rises(cls, activity_from: tuple[int, ...]) -> tuple[int, ...]:
        if activity_from[:1] != (1,) or list(activity_from) != sorted(set(activity_from)):
            raise ValueError(f"must be increasing integers that begin with 1; received {activity_from}")
        return activity_from

    @model_validator(mode="after")
    def _tail_is_left(self) -> "Evaluation":
        if self.head_share + self.torso_share >= 1:
            raise ValueError(
                f"head_share {self.head_share} and torso_share {self.torso_share} leave nothing for the tail: their "
                "sum must be below 1"
            )
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics, in the order in which they are written."""
        spread = [f"{name}@{LIST_K}" for name in ("coverage", "gini", "mean_popularity", "novelty")]
        return (*self._ranking, "mrr", *spread)

    @property
    def better_when_higher(self) -> tuple[str, ...]:
        """Names of the metrics for which a gate may set a minimum; more novelty or less Gini is not always better."""
        return (*self._ranking, "mrr", f"coverage@{LIST_K}")

    @property
    def _ranking(self) -> list[str]:
        return [f"{name}@{k}" for name in ("recall", "ndcg", "hit_rate") for k in self.top_k]

    @property
    def slices(self) -> dict[str, tuple[str, ...]]:
        """Names of all slices by kind; those of user_activity begin with the least active."""
        low, high = (0, *self.activity_from), (*(start - 1 for start in self.activity_from), None)
        return {
            "user_activity": tuple(
                f"{first}+" if last is None else str(first) if first == last else f"{first}-{last}"
                for first, last in zip(low, high, strict=True)
            ),
            "target_popularity": ("head", "torso", "tail"),
            "user": ("known", "unknown"),
            "target": ("with events", "without events"),
        }


class Gate(Settings):
    """Which model is blessed: one that passes every rule.

    A model that cannot answer, or has a metric that is not a finite number, is never blessed, whatever the rules are.

    Example:
        gate:
          min_users: 200
          floor: {hit_rate@10: 0.05}
          better_than_popularity: ndcg@10
          not_worse_than_item_item: ndcg@10
          last_blessed_metric: ndcg@100
          last_blessed_margin: 0.1
          min_coverage: 0.02
          min_neighbour_stability: 0.3
    """

    min_users: int = Field(default=200, ge=1)
    """Least number of evaluated users. Default 200: with them, the interval of a difference between two models of one
    kind extends some 8 % of nDCG@100 to either side (measured: 3.5 % with the 942 users of MovieLens 100K), which
    leaves room within last_blessed_margin. With fewer users no retrained model could show that it is no worse."""

    floor: dict[str, float] = {f"hit_rate@{LIST_K}": 0.01}
    """Least value of metrics, by name; above zero. With an empty mapping, no model is blessed. Default: one user in a
    hundred finds a target in ten items, which chance reaches on a catalogue of a thousand items; MovieLens 100K reaches
    0.17."""

    better_than_popularity: str = f"ndcg@{LIST_K}"
    """Metric in which the model must be better than the popularity ranking: the paired 95 % interval of the difference
    must lie above zero."""

    better_than_recent_popularity: bool | None = None
    """Whether `better_than_popularity` also holds for the popularity of the last `evaluation.popularity_days` days,
    with the same metric. None: true if `log.split.method` is `time`. Days after the newest training interaction are
    then to be guessed, and what is in vogue is a floor that a model of tastes can miss."""

    not_worse_than_item_item: str | None = f"ndcg@{LIST_K}"
    """Metric in which the model must not be worse than the item-item baseline: a model is refused if the paired 95 %
    interval of the difference lies below zero. None: not checked."""

    item_item_min_users: int = Field(default=200, ge=1)
    """Least number of evaluated users for that comparison; it is not checked with fewer. Default 200, as for
    `min_users`: on a log of a hundred users, item-item counts all that there is to know, and no model that must first
    learn embeddings keeps up with it."""

    last_blessed_metric: str = "ndcg@100"
    """Metric that is compared with the last blessed model's on the same users. Default nDCG@100: of all metrics it
    varies least with the seed (measured on MovieLens 100K: 1 % to 4 %, where nDCG@10 and hit_rate@10 vary by 1 % to 8
    %)."""

    last_blessed_margin: float = Field(default=0.1, gt=0, lt=1)
    """How much worse than the last blessed model the model may be, as a share of that model's value. The whole paired
    95 % interval must lie above this limit (a test of non-inferiority). Requiring only that no loss is significant is
    not enough: one unnoticed loss could follow another. Default 10 %: with the 942 users of MovieLens 100K, the
    interval of another seed ends between 1 % and 7 % below."""

    min_coverage: float = Field(default=0.02, ge=0, le=1)
    """Least coverage@10, the share of the catalogue that is recommended to anyone. The limit shrinks in proportion if
    ten items for each evaluated user are fewer than the catalogue. Default 2 %: MovieLens 100K reaches 40 %, its
    popularity ranking 4 %, the same ten items for everyone 0.6 %."""

    required_slices: tuple[str, ...] = ("target_popularity/head", "target_popularity/tail")
    """Slices, `<kind>/<slice>`, that must contain users. Default: a model is judged neither by popular items alone nor
    by rare items alone."""

    min_neighbour_stability: float | None = Field(default=None, ge=0, le=1)
    """Least mean Jaccard index between each item's ten neighbours and those that the last blessed model gives it. None:
    not checked, because a cold start changes neighbours without making them worse. Set it if people see the
    neighbours."""

    @field_validator("floor")
    @classmethod
    def _floor_is_above_zero(cls, floor: dict[str, float]) -> dict[str, float]:
        if any(value <= 0 for value in floor.values()):
            raise ValueError(
                f"a floor must be above zero, because a model that learned nothing also reaches zero; received {floor}"
            )
        return floor

    def require_measured(self, evaluation: Evaluation) -> None:
        """Checks that the evaluation measures everything that the gate requires.

        Args:
            evaluation: How models are measured.

        Raises:
            ConfigError: There is no such metric or slice, or a minimum cannot be set for the metric.
        """
        compared = (self.better_than_popularity, self.not_worse_than_item_item, self.last_blessed_metric)
        for metric in (*self.floor, *(name for name in compared if name is not None)):
            if metric not in evaluation.better_when_higher:
                raise ConfigError(
                    f"gate: {metric!r} is not a metric for which a minimum can be set. The evaluation measures these: "
                    f"{', '.join(evaluation.better_when_higher)}"
                )
        slices = [f"{kind}/{name}" for kind, names in evaluation.slices.items() for name in names]
        for name in self.required_slices:
            if name not in slices:
                raise ConfigError(
                    f"gate.required_slices: there is no slice {name!r}. The evaluation has these: {', '.join(slices)}"
                )
