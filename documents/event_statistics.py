"""events.json: what became of a service's answers, by version and position; written by an export of events.

It lies beside the exported events, and InteractionGen copies it into its Examples, for the report's page.
"""

from typing import ClassVar

from documents.document import Document, Values


class PositionCounts(Values):
    """One position of one version's answers."""

    version: int
    """The version that answered."""

    position: int
    """The position, from 0."""

    shown: int
    """Answers that had an item there. The last seconds before the export may be missing."""

    view: int = 0
    basket: int = 0
    purchase: int = 0
    rating: int = 0
    """Answers whose item there got an event of this type, once or more often."""


class EventStatistics(Document):
    """What became of answers."""

    FILE: ClassVar[str] = "events.json"
    TO_DO: ClassVar[str] = "Run `perennial events export`, which writes it again."

    positions: tuple[PositionCounts, ...]
    """By version and position; of the newest versions that have answered."""
