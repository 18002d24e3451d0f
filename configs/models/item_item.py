"""Defines the item-item model: which table of neighbours is made, and how a history asks it."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from configs.models.base import Model
from configs.models.ranges import FloatRange, IntRange, Range

Method = Literal["cosine", "directed", "ease"]
"""How near an item is to another one: see `ItemItem.method`."""

_USED: Mapping[Method, tuple[str, ...]] = {
    "cosine": ("shrinkage",),
    "directed": ("window", "gap_decay", "popularity_exponent"),
    "ease": ("regularisation",),
}
"""The searched settings that only some methods use."""


class ItemItem(Model):
    """A table of each item's neighbours. An item scores by how near it is to the items of a history.

    The defaults were chosen on validation targets: the second last rating of each user of MovieLens 100K (four stars
    and more) and of MovieTweetings; a random tenth of MovieLens 100K, goodbooks-10k and retailrocket without an order.

    Example:
        trainer:
          kind: item_item
          method: directed
          neighbours: 200
    """

    kind: Literal["item_item"] = "item_item"
    """The kind of model."""

    method: Method | None = None
    """How near item B is to item A. `cosine`: how many users met both, for how many met each. `directed`: how often B
    came soon after A, for how popular both are. `ease`: how much A says about B beyond what a user's other items say
    (Steck 2019). None: `directed` if the log has an order, else `ease`, or `cosine` if there are more than `max_items`
    items. By nDCG@10 on validation without an order, `ease` is 9 % above `cosine` on MovieLens, and `cosine` 6 % above
    `ease` on retailrocket: `compare`, or a `blend`, tells which a log wants."""

    neighbours: int | None = Field(default=None, ge=1)
    """Neighbours that an item keeps; the model takes 8 bytes for each. None: 1,000 for `ease`, else 200. With an order,
    100 lose 3 % of recall@100 on MovieTweetings, and 1,000 add 1 %. For `ease`, 1,000 add 1.3 % of nDCG@10 on unordered
    MovieLens 100K and 0.5 % on retailrocket."""

    max_history: int | None = Field(default=None, ge=1)
    """Largest number of interactions that are asked with, the newest ones. None: 20 if the log has an order, where
    older ones weigh less than 1 in 800 of the newest; else 500, because all weigh the same there: on unordered
    MovieLens 100K, `ease` asked with 100 has 10 % less nDCG@10."""

    history_decay: float = Field(default=0.7, gt=0, le=1)
    """Weight of an interaction, relative to the next newer one; 1 weighs old and new equally. Default 0.7: the best
    nDCG@10 of 0.5 to 0.9 for `directed`, on both logs; 0.8 has 1 to 2 % more recall@100. Not used without an order."""

    window: int = Field(default=20, ge=1, le=1000)
    """`directed`: B counts if it is among this many interactions after A. Default 20; with the default `gap_decay`, a
    window of 50 changes little. Without that decay 10 is better, and 50 loses a third on MovieLens."""

    gap_decay: float = Field(default=0.9, gt=0, le=1)
    """`directed`: how much B counts, relative to coming one interaction sooner. Default 0.9: 0 to 1 % more nDCG@10 than
    a window of 10 without decay, and 0 to 3 % more recall@100, on both logs."""

    popularity_exponent: float = Field(default=0.3, ge=0, le=1)
    """`directed`: power of the popularity of A times that of B, by which a count is divided. 0 favours the popular and
    1 the rare. Default 0.3: of 0.1 to 0.5, 0.4 is best on MovieLens (+3 % nDCG@10) and 0.1 on MovieTweetings, where 0.5
    loses 16 %."""

    regularisation: float = Field(default=4, gt=0)
    """`ease`: λ, added to the number of users of each item, relative to the mean number of interactions of a user; more
    of it makes the weights of rare items smaller. Default 4: the users of unordered MovieLens 100K have 72
    interactions, those of retailrocket 19 and those of goodbooks-10k 10 without the validation targets; by nDCG@10 on
    these, λ = 300 is 5 % better than 100 on MovieLens, 100 is better than 30 by 1 % on retailrocket, and 50 is better
    than 300 by 2 % on goodbooks-10k."""

    max_items: int = Field(default=12_000, ge=1)
    """`ease`: the most items, because it inverts a dense matrix of items times items in float64. 12,000 take 1.1 GiB
    and, on one core, some 50 seconds, which grow with the third power."""

    shrinkage: float = Field(default=10, ge=0)
    """`cosine`: s of the factor u / (u + s), where u is the geometric mean of the users of both items. It keeps pairs
    that were met by chance once from ranking first. 0: the cosine itself. Default 10: on MovieTweetings +11 % nDCG@10
    and on retailrocket +45 %; on MovieLens with an order -5 %, without one no change."""

    activity_exponent: float = Field(default=0.5, ge=0, le=1)
    """`cosine` and `ease`: e of the factor n^(-e) by which the interactions of a user with n items count, so that those
    who met thousands of items do not decide what is alike. Default 0.5: compared with 0, nDCG@10 on validation of
    `cosine` is 17 % higher on retailrocket, and 3 % on unordered MovieLens 100K; that of `ease` is 2 % higher on
    MovieLens and 1 % on goodbooks-10k. 1 is worse on goodbooks-10k."""

    use_event_weights: bool = False
    """Whether an interaction counts by the weight of its event, in the table of `cosine` and `directed` and in the
    history that asks; else it counts 1. Default: no. On retailrocket (0.5, 2 and 6 for views, baskets
    and purchases), the nDCG@10 of `cosine` on validation is 0.042 with weights and 0.131 without: a few purchases drown
    all views."""

    threshold: float = Field(default=0, ge=0, lt=1)
    """`cosine`: above 0, popular items are thinned by DIMSUM (Zadeh and Carlsson 2013) so that cosines from this value
    on are still estimated well. An item is thinned if the squares of its entries, which are scaled to at most 1, sum up
    to more than 10 ln(items) / threshold. Default 0, exact: on one machine even 40 million interactions take minutes at
    most. Sampling saves shuffling on a cluster, for tens of millions of interactions with a few thousand items."""

    SPACE: ClassVar[Mapping[str, Range]] = {
        "history_decay": FloatRange(0.4, 0.95),
        "window": IntRange(3, 60, log=True),
        "gap_decay": FloatRange(0.7, 1.0),
        "popularity_exponent": FloatRange(0.0, 0.6),
        "regularisation": FloatRange(0.4, 40.0, log=True),
        "shrinkage": FloatRange(0.5, 200.0, log=True),
    }

    def space(self, items: int) -> Mapping[str, Range]:
        """What the method uses; the method itself is not searched. See `Model.space`."""
        method = self.method_for(items)
        used = ("history_decay", *_USED[method])
        return {name: each for name, each in super().space(items).items() if name in used}

    def method_for(self, items: int) -> Method:
        """The method for a number of items with interactions, see `method`."""
        if self.method is not None:
            return self.method
        if self.is_ordered:
            return "directed"
        return "ease" if items <= self.max_items else "cosine"

    def width_for(self, items: int) -> int:
        """How many neighbours each of so many items keeps, see `neighbours`."""
        return min(items, self.neighbours or (1000 if self.method_for(items) == "ease" else 200))

    @property
    def history_limit(self) -> int:
        """How many items of a history count, see `max_history`."""
        return self.max_history or (20 if self.is_ordered else 500)

    @property
    def decay(self) -> float:
        """Weight of an interaction relative to the next newer one: 1 without an order."""
        return self.history_decay if self.is_ordered else 1.0
