"""Lists the kinds of models. A kind has its settings here, and its code in `trainer.models`, under the same name."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator

from configs.models.base import Model
from configs.models.popularity import Popularity
from configs.models.two_tower import TwoTower

DEFAULT_KIND = "two_tower"


def _with_kind(given: Any) -> Any:
    return {"kind": DEFAULT_KIND, **given} if isinstance(given, dict) else given


AnyModel = Annotated[TwoTower | Popularity, Discriminator("kind"), BeforeValidator(_with_kind)]
"""The settings of one model: `kind` decides which; without it, it is a two-tower model."""

__all__ = ["AnyModel", "Model", "Popularity", "TwoTower"]
