"""Defines when the service compares a query with a part of the catalogue instead of all of it."""

from pydantic import Field

from configs.base import Settings


class Index(Settings):
    """The index of the items' embeddings, for large catalogues.

    Example:
        service:
          index: {exact_items: 300000, recall: 0.98}
    """

    exact_items: int = Field(default=300_000, ge=1000)
    """A catalogue of so many items, or fewer, is searched exactly. Default 300,000: exact search then takes 4 ms of one
    core for a query alone, and 1 ms with an index; for fewer, the index gains little."""

    recall: float = Field(default=0.98, ge=0.5, lt=1)
    """Share of the exact best hundred that the index shall find, on average, for users and for items. The more, the
    more items are compared. If a quarter of the catalogue is not enough, it is searched exactly."""
