"""Defines the popularity model: the same items for everybody."""

from typing import Literal

from pydantic import Field

from configs.models.base import Model


class Popularity(Model):
    """The most popular items for everybody: the floor that other models must rise above.

    Example:
        trainer:
          kind: popularity
          days: 14
    """

    kind: Literal["popularity"] = "popularity"
    """The kind of model."""

    days: float | None = Field(default=None, gt=0)
    """How many days before the newest training interaction count, of 24 hours each; items that nobody met in them
    follow by the popularity of all time. The log must have times. None: all interactions count."""

    @property
    def needs_times(self) -> str | None:
        """See `Model.needs_times`."""
        return "days" if self.days is not None else super().needs_times
