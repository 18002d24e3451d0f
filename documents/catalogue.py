"""catalogue.json: what CatalogueGen read from the catalogue, and what it added from the log."""

from typing import ClassVar

from documents.reading import ReadingCounts


class CatalogueReport(ReadingCounts):
    """How many items CatalogueGen read, added and wrote."""

    FILE: ClassVar[str] = "catalogue.json"

    items: int
    """Items written, including the added ones."""

    untitled_items: int
    """Items that have their id as the title, because the catalogue has none."""

    interacted_items: int
    """Different items of the training interactions."""

    added_items: int
    """Items that the log has and the catalogue lacks."""

    filled: dict[str, int]
    """Content feature to the number of items that have it."""

    interactions: int = 0
    """Training interactions."""

    filled_interactions: dict[str, int] = {}
    """`title` and content features, to the number of training interactions whose item has it."""

    unreadable: dict[str, int] = {}
    """Numeric content feature to the number of cells that hold something else than a number; features without such a
    cell are left out."""
