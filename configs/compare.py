"""Defines which models `perennial compare` compares, and by what it chooses."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from configs.base import Settings
from configs.mlflow import Mlflow
from configs.models import AnyModel, Blend, Ials, ItemItem, Popularity, TwoTower

MAX_CANDIDATES = 8
"""The comparison has a channel for each model, and the channels of a component are fixed."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
"""The name of a candidate, as it stands in the table; its tasks are named after it."""


class Compare(Settings):
    """Which models are compared, and by what the winner is chosen.

    All are trained on the same data. The winner is chosen by targets that are held out of the training interactions,
    and then judged by the gate on the eval split, as any model. Nightly runs train the kind of the live model, if it
    won a comparison and is still a candidate; before the first comparison they train `trainer`.

    Example:
        compare:
          candidates:
            two_tower: {kind: two_tower}
            items: {kind: item_item, method: directed}
            ials: {kind: ials, embedding_dim: 128}
          metric: ndcg@100
          every_run: false
    """

    candidates: dict[Name, AnyModel] = Field(
        default={
            "popularity": Popularity(),
            "item_item": ItemItem(),
            "ials": Ials(),
            "two_tower": TwoTower(),
            "blend": Blend(),
        },
        min_length=2,
        max_length=MAX_CANDIDATES,
    )
    """The models by name, from 2 to 8 of them. Default: each kind with its default settings."""

    metric: str = "ndcg@100"
    """The metric of the choice. The best is chosen; but if others are not clearly worse, because the paired 95 %
    interval of the difference from the best contains zero, the one of them that was trained in the least time. Default
    nDCG@100, which tells models apart that nDCG@10 cannot: on MovieLens 100K, 942 users, two_tower is ahead of
    item_item by 0.0135 (0.0013 to 0.0248) in it, and by 0.0009 (-0.0135 to 0.0150) in nDCG@10."""

    every_run: bool = False
    """Whether every run compares. Default: no, `perennial compare` does, and other runs train the last winner alone."""

    mlflow: Mlflow | None = None
    """Where comparisons are recorded besides the report. None: nowhere."""

    @model_validator(mode="after")
    def _metric_is_measured(self) -> "Compare":
        k = int(self.metric.partition("@")[2])
        for name, model in self.candidates.items():
            if k not in model.eval_top_k:
                raise ValueError(
                    f"metric {self.metric}: candidate {name} is not measured by it; add {k} to its eval_top_k, "
                    f"received {list(model.eval_top_k)}"
                )
        return self

    @field_validator("metric")
    @classmethod
    def _metric_is_of_users(cls, metric: str) -> str:
        name, _, k = metric.partition("@")
        if name not in ("ndcg", "recall", "hit_rate") or not k.isdecimal() or int(k) < 1:
            raise ValueError(
                f"must be ndcg, recall or hit_rate with @ and a number, such as ndcg@10; received {metric!r}"
            )
        return metric
