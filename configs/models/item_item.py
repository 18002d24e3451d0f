"""Defines the item-item model: which table of neighbours is made, and how a history asks it."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class ItemItem(Settings):
    """A table of each item's neighbours. An item scores by how near it is to the items of a history.

    Example:
        kind: item_item
        method: directed
        neighbours: 200
    """

    kind: Literal["item_item"] = "item_item"
    """Names this kind of model."""

    method: Literal["cosine", "directed", "ease"] | None = None
    """How near two items are. TODO"""

    neighbours: int = Field(default=200, ge=1)
    """TODO"""

    max_history: int | None = Field(default=None, ge=1)
    """TODO"""

    history_decay: float = Field(default=0.8, gt=0, le=1)
    """TODO"""

    window: int = Field(default=10, ge=1, le=1000)
    """TODO"""

    popularity_exponent: float = Field(default=0.3, ge=0, le=1)
    """TODO"""

    regularisation: float = Field(default=300, gt=0)
    """TODO"""

    max_items: int = Field(default=12_000, ge=1)
    """TODO"""

    shrinkage: float = Field(default=10, ge=0)
    """TODO"""

    threshold: float = Field(default=0, ge=0, lt=1)
    """TODO"""

    def method_for(self, is_ordered: bool, items: int) -> Literal["cosine", "directed", "ease"]:
        """The method for a log, see `method`."""
        if self.method is not None:
            return self.method
        if is_ordered:
            return "directed"
        return "ease" if items <= self.max_items else "cosine"

    def history_limit(self, is_ordered: bool) -> int:
        """How many items of a history count, see `max_history`."""
        return self.max_history or (20 if is_ordered else 500)
