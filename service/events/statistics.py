"""What became of answers: how often each position of each version was shown, clicked, put into a basket, bought."""

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from common.errors import OutputError
from documents.event_statistics import EventStatistics, PositionCounts
from service.database.database import Database
from service.database.tables import events, shown
from service.events.event import EventType

WRITTEN_VERSIONS = 10
"""Versions in the document, the newest: as many as a page can compare. A version may have a thousand positions."""


@dataclass(frozen=True)
class PositionStatistics:
    """One position of one version's answers."""

    version: int
    """The version."""

    position: int
    """The position, from 0."""

    shown: int
    """Answers that had an item there. The last seconds may be missing."""

    answers: dict[EventType, int] = field(default_factory=dict)
    """Type of event to the answers in which the item there got such an event, once or more often."""


def statistics(database: Database) -> list[PositionStatistics]:
    """Reads the statistics of all versions, by version and position. It looks at every event that names an answer.

    Args:
        database: The database, with a long timeout.

    Raises:
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    place = (events.c.version, events.c.position)
    # In one answer a position has one item, so an answer counts once however often its item is clicked.
    happened = (
        select(*place, events.c.type, func.count(events.c.recommendation_id.distinct()))
        .where(events.c.position.is_not(None))
        .group_by(*place, events.c.type)
    )
    denominators, numerators = database.read(
        lambda connection: (connection.execute(select(shown)).all(), connection.execute(happened).all())
    )
    found = {
        (row.version, row.position): PositionStatistics(row.version, row.position, row.answers) for row in denominators
    }
    for version, position, event_type, count in numerators:
        place_found = found.setdefault((version, position), PositionStatistics(version, position, 0))
        place_found.answers[event_type] = count
    return [found[key] for key in sorted(found)]


def write_statistics(database: Database, folder: Path) -> None:
    """Writes the statistics of the newest versions into an export's folder, if they have changed.

    Args:
        database: The database, with a long timeout.
        folder: The folder.

    Raises:
        OutputError: The document cannot be written.
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    found = statistics(database)
    newest = sorted({one.version for one in found})[-WRITTEN_VERSIONS:]
    document = EventStatistics(
        positions=tuple(
            PositionCounts(version=one.version, position=one.position, shown=one.shown, **one.answers)
            for one in found
            if one.version in newest
        )
    )
    try:
        is_new = EventStatistics.find(folder) != document
    except OutputError:  # damaged, or of another release
        is_new = True
    if is_new:  # else the next run would read the whole log again
        document.write(folder, durable=True)
