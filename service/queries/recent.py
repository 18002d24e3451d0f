"""What users have done since a version was made, for the next answer."""

import logging
from collections.abc import Callable, Sequence

from configs.service.section import Batching
from service.batching import Batcher, OverloadedError
from service.database.errors import DatabaseError
from service.database.threads import DatabaseThreads
from service.events.event import StoredEvent
from service.events.store import EventStore
from service.events.vocabulary import Vocabulary
from service.queries.resolve import Met

_logger = logging.getLogger("perennial.service")

MOST = 100
"""Events of one user that are read, the newest ones. A model pools fewer, and the next run knows the others."""


_Found = list[StoredEvent] | None


class RecentEvents:
    """Reads them from the database: those of several requests at once, as a call in a thread costs more than a read."""

    def __init__(
        self,
        store: EventStore,
        threads: DatabaseThreads,
        vocabulary: Vocabulary,
        batching: Batching,
        on_failure: Callable[[], None],
    ) -> None:
        """Prepares.

        Args:
            store: The events.
            threads: Where the database is called.
            vocabulary: What weighs how much.
            batching: How requests share a call.
            on_failure: Is called when they could not be read, for metrics.
        """
        self._store, self._threads, self._vocabulary, self._on_failure = store, threads, vocabulary, on_failure
        self._reads: Batcher[tuple[str, int | None], _Found] = Batcher(
            self._read, max_rows=batching.max_rows, max_waiting=batching.max_waiting, runs=1
        )
        self._is_down = False

    async def of(self, user: str, after_export: int | None) -> list[Met] | None:
        """Reads a user's events. If the database does not answer there are none: recommendations go on without.

        Args:
            user: The user.
            after_export: The newest export that the version knows.

        Returns:
            Items with weights, oldest first; events that the log would not count are left out. None: the user is
            forgotten.
        """
        try:
            events = await self._reads.submit((user, after_export))
        except (DatabaseError, OverloadedError) as e:
            if not self._is_down:
                _logger.warning("recommendations go on without the newest events: %s", e)
            self._is_down = True
            self._on_failure()
            return []
        self._is_down = False
        if events is None:
            return None
        weighed = ((event.item, self._vocabulary.weight(event)) for event in events)
        return [(item, weight) for item, weight in weighed if weight is not None]

    async def _read(self, asked: Sequence[tuple[str, int | None]]) -> list[_Found]:
        return await self._threads.run(lambda: self._store.newest(asked, MOST))
