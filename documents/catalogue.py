"""catalogue.json: what CatalogueGen read of the catalogue, and what it added from the log."""

from typing import ClassVar

from documents.reading import ReadingCounts


class CatalogueReport(ReadingCounts):
    """What became of the catalogue."""

    FILE: ClassVar[str] = "catalogue.json"

    items: int
    """Items written, the added ones among them."""

    untitled_items: int
    """Items whose id stands in for a title."""

    interacted_items: int
    """Different items of the training interactions."""

    added_items: int
    """Items that the log has and the catalogue lacks."""

    filled: dict[str, int]
    """Content feature to the items that have it."""
