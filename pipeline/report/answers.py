"""Adds up what became of a service's answers, for the page: by version, and by position of the newest version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from documents.event_statistics import EventStatistics, PositionCounts

SHOWN_POSITIONS = 10
"""Positions with a row and a place in the chart: few people look further."""


@dataclass(frozen=True)
class AnswerCounts:
    """Counts of one version, or of one of its positions."""

    name: int
    """The version; or the position, from 1 as people count."""

    shown: int
    """Items that were shown."""

    view: int
    basket: int
    purchase: int
    rating: int
    """Of these, the items that got such an event."""


def by_version(found: EventStatistics) -> list[AnswerCounts]:
    """Adds up the positions of each version, the newest version first."""
    versions = sorted({one.version for one in found.positions}, reverse=True)
    return [_added(version, (one for one in found.positions if one.version == version)) for version in versions]


def by_position(found: EventStatistics) -> list[AnswerCounts]:
    """Counts the first positions of the newest version; empty without answers."""
    newest = max((one.version for one in found.positions), default=None)
    first = [one for one in found.positions if one.version == newest and one.position < SHOWN_POSITIONS]
    return [_added(one.position + 1, [one]) for one in first]


def shares(counts: Sequence[AnswerCounts], event: str) -> list[float | None]:
    """The share of shown items that got an event; None where nothing was shown."""
    return [getattr(one, event) / one.shown if one.shown else None for one in counts]


def _added(name: int, parts: Iterable[PositionCounts]) -> AnswerCounts:
    held = list(parts)
    fields = ("shown", "view", "basket", "purchase", "rating")
    return AnswerCounts(name, *(sum(getattr(one, field) for one in held) for field in fields))
