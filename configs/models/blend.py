"""Defines a blend: several models of other kinds whose scores are added."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.models.base import Model
from configs.models.ials import Ials
from configs.models.item_item import ItemItem
from configs.models.popularity import Popularity
from configs.models.two_tower import TwoTower

Part = Annotated[TwoTower | ItemItem | Ials | Popularity, Field(discriminator="kind")]
"""The settings of one model of a blend, which name its kind. Another blend cannot be a part, and `popularity` can with
`days` alone: the popularity of all time is what is recommended where the parts know nothing."""


class Blend(Model):
    """The weighted sum of the scores of several models, each made comparable by its mean and deviation.

    Example:
        trainer:
          kind: blend
          parts:
            - kind: item_item
              method: directed
            - kind: two_tower
              embedding_dim: 64
    """

    kind: Literal["blend"] = "blend"
    """The kind of model."""

    parts: tuple[Part, ...] | None = Field(default=None, min_length=2)
    """The models, each with its `kind` and its settings. What every kind of model has, such as `seed` and
    `ordered_history`, is set for the blend and holds for its parts. None: `item_item` by directed counts and
    `two_tower` if the log has an order, and the popularity of the last 7 and 30 days if `validation` is `time`; else
    `item_item` by cosine, `item_item` by EASE where there are not too many items, and `ials`. On validation targets,
    the first two reach nDCG@10 0.123 on MovieLens 100K, where the better of them alone reaches 0.110, and 0.141 for
    3,000 users of MovieTweetings, where that is 0.133; `ials` as a third part gets no weight on MovieLens. Without an
    order, the three reach nDCG@100 0.214 on retailrocket, where the best of them alone, by
    cosine, reaches 0.204; on MovieLens 100K with ratings held out at random, 0.346, where `ials` alone reaches 0.345.
    With targets by time, two towers alone reach nDCG@10 0.090 on MovieTweetings, the popularity of 7 days 0.136, and
    the blend 0.141."""

    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    """How much each part counts: a factor of its scores, of which the mean over the catalogue is 0 and the standard
    deviation 1. A part with 0 is not trained. None: chosen by targets that are held out of the training interactions; a
    warm start keeps the weights of the last blessed model."""

    @property
    def chosen_parts(self) -> tuple[Part, ...]:
        """The models, with what they have in common."""
        parts = self.parts or (_OF_AN_ORDERED_LOG if self.is_ordered else _WITHOUT_ORDER)
        if self.parts is None and self.validation == "time":
            parts += _RECENT
        common = {name: getattr(self, name) for name in Model.model_fields}
        return tuple(part.model_copy(update=common) for part in parts)

    @property
    def passes(self) -> int:
        """How often training goes through the interactions: the sum over the parts."""
        return sum(part.passes for part in self.chosen_parts)

    def chooses(self, is_warm: bool) -> bool:
        """The weights, in a cold start, and what the parts choose; see `Model.chooses`."""
        weights_are_open = self.weights is None and not is_warm
        return weights_are_open or any(part.chooses(is_warm) for part in self.chosen_parts)

    @model_validator(mode="after")
    def _each_part_has_a_weight(self) -> "Blend":
        parts = self.chosen_parts
        if self.weights is not None and (len(self.weights) != len(parts) or not any(self.weights)):
            raise ValueError(
                f"weights must hold one weight for each of the {len(parts)} parts, and one above zero; received "
                f"{list(self.weights)}"
            )
        return self

    @property
    def needs_times(self) -> str | None:
        """See `Model.needs_times`."""
        of_parts = (f"parts.{n}.{part.needs_times}" for n, part in enumerate(self.parts or ()) if part.needs_times)
        return super().needs_times or next(of_parts, None)

    @model_validator(mode="after")
    def _popularity_is_recent(self) -> "Blend":
        for number, part in enumerate(self.parts or ()):
            if isinstance(part, Popularity) and part.days is None:
                raise ValueError(
                    f"parts.{number}: popularity needs days as a part, because the popularity of all time is what is "
                    "recommended where the parts know nothing: set days, or leave the part out"
                )
        return self

    @model_validator(mode="after")
    def _what_is_common_is_set_for_the_blend(self) -> "Blend":
        for number, part in enumerate(self.parts or ()):
            for name, field in Model.model_fields.items():
                value = getattr(part, name)
                if value not in (field.default, getattr(self, name)):
                    raise ValueError(
                        f"parts.{number}.{name} must be set for the blend, because it holds for all parts: move it "
                        f"beside parts; received {value}"
                    )
        return self


_OF_AN_ORDERED_LOG: tuple[Part, ...] = (ItemItem(method="directed"), TwoTower())
_RECENT: tuple[Part, ...] = (Popularity(days=7), Popularity(days=30))
_WITHOUT_ORDER: tuple[Part, ...] = (ItemItem(method="cosine"), ItemItem(), Ials())
