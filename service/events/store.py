"""Events in the database: added once each and durably, and read for the next answer.

Every event gets the number of the open export when it is added, see `service.database.tables.state`. A version of the
model knows the events up to the export that its log held, so what it does not know yet is what has a higher number:
exactly, whatever the clocks of clients, processes and runs say.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from service.database.database import Database
from service.database.ready import CHUNK, present
from service.database.tables import events as table
from service.database.tables import forgotten, state
from service.events.event import Event, StoredEvent
from service.events.forgotten import digest
from service.events.forgotten_copy import forgotten_key
from service.events.newest import newest_of
from service.events.recommendation_id import RecommendationIds

_OPEN_EXPORT = select(state.c.open_export).with_for_update()
_INSERT = table.insert()


@dataclass(frozen=True)
class Added:
    """What became of a list of events."""

    stored: int = 0
    """New events."""

    duplicates: int = 0
    """Events whose id was there before; nothing happened."""

    forgotten: int = 0
    """Events of users who are forgotten; they are not stored. See `service.events.forgetting`."""

    unattributed: int = 0
    """Stored events whose `recommendation_id` is not one of this service; they are stored without it."""


class EventStore:
    """The events of a database. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        ids: RecommendationIds | None = None,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Args: database: With its tables. ids: Reads `recommendation_id`; None: nobody does. now: Microseconds."""
        self.database = database
        self._ids = ids
        self.now = now
        self._key: bytes | None = None

    def add(self, groups: Sequence[Sequence[Event]]) -> list[Added]:
        """Adds the events of several callers in one transaction. They are on the disk when it returns.

        Args:
            groups: The events of each caller.

        Returns:
            What became of each caller's.

        Raises:
            DatabaseUnavailableError, DatabaseError: Nothing was added, or all was and the answer got lost: add them
                again, with the same ids.
        """
        key = self._forgotten_key()
        # Outside of the transaction: if it is repeated, ids and times stay.
        rows = [[self._row(event) for event in group] for group in groups]
        digests = {event.user: digest(key, event.user) for group in groups for event in group}
        return self.database.write(lambda connection: _add(connection, rows, digests))

    def newest(self, asked: Sequence[tuple[str, int | None]], limit: int) -> list[list[StoredEvent] | None]:
        """What users did that a version does not know yet.

        Args:
            asked: Users' ids, each with the version's `events_export`, see `documents.service_data`; None: it knows no
                export. All are read at once: the database is asked twice for each different number.
            limit: Largest number for each user; older events are left out.

        Returns:
            For each of them the events, oldest first. None: the user is forgotten, so what the version knows of the
            user must not be used either.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        key = self._forgotten_key()
        return self.database.read(lambda connection: newest_of(connection, key, asked, limit))

    def _forgotten_key(self) -> bytes:
        if self._key is None:
            self._key = forgotten_key(self.database)
        return self._key

    def _row(self, event: Event) -> "_Row":
        told = (
            None if self._ids is None or event.recommendation_id is None else self._ids.decode(event.recommendation_id)
        )
        values = {
            "event_id": event.identity(),
            "type": event.type,
            "user_id": event.user,
            "item_id": event.item,
            "time": self.now() if event.time is None else event.time,
            "value": event.value,
            "recommendation_id": None if told is None else event.recommendation_id,
            "version": None if told is None else told.version,
            "position": None if told is None else told.position(event.item),
        }
        return _Row(values, told is None and event.recommendation_id is not None)


class _Row(NamedTuple):
    values: dict[str, Any]
    is_unattributed: bool


def _add(connection: Connection, groups: list[list[_Row]], digests: dict[str, bytes]) -> list[Added]:
    # The lock is held until the commit, so that no export is closed, nobody is forgotten, and no other process adds the
    # same id in between. SQLite has one writer at a time in any case.
    export = connection.execute(_OPEN_EXPORT).scalar_one()
    gone = present(connection, forgotten.c.digest, digests.values())
    known = present(connection, table.c.event_id, (row.values["event_id"] for group in groups for row in group))
    outcomes, new = [], []
    for group in groups:
        of_others = [row for row in group if digests[row.values["user_id"]] not in gone]
        stored = []
        for row in of_others:
            if row.values["event_id"] not in known:
                known.add(row.values["event_id"])
                stored.append(row)
        unattributed = sum(row.is_unattributed for row in stored)
        outcomes.append(Added(len(stored), len(of_others) - len(stored), len(group) - len(of_others), unattributed))
        new += [{**row.values, "export": export} for row in stored]
    for start in range(0, len(new), CHUNK):
        connection.execute(_INSERT, new[start : start + CHUNK])
    return outcomes
