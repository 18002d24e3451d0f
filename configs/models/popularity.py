"""Defines the popularity model: the same items for everybody."""

from typing import Literal

from configs.models.base import Model


class Popularity(Model):
    """The most popular items for everybody: the floor that other models must rise above.

    Example:
        trainer:
          kind: popularity
    """

    kind: Literal["popularity"] = "popularity"
    """The kind of model."""
