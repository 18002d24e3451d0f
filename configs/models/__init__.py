"""Lists the kinds of models. A kind has its settings here, and its code in `trainer.models`, under the same name."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from configs.models.base import Model
from configs.models.blend import Blend
from configs.models.ials import Ials
from configs.models.item_item import ItemItem
from configs.models.popularity import Popularity
from configs.models.two_tower import TwoTower

DEFAULT_KIND = "two_tower"


def _kind(given: Any) -> Any:
    return given.get("kind", DEFAULT_KIND) if isinstance(given, dict) else getattr(given, "kind", None)


AnyModel = Annotated[
    Annotated[TwoTower, Tag("two_tower")]
    | Annotated[ItemItem, Tag("item_item")]
    | Annotated[Ials, Tag("ials")]
    | Annotated[Popularity, Tag("popularity")]
    | Annotated[Blend, Tag("blend")],
    Discriminator(_kind),
]
"""The settings of one model: `kind` decides which; without it, it is a two-tower model."""

__all__ = ["AnyModel", "Blend", "Ials", "ItemItem", "Model", "Popularity", "TwoTower"]
