"""A version that answers: its model, its snapshot, and what it was made from. A request holds one to its end."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from documents.provenance import Provenance
from documents.push_record import PushRecord
from documents.service_data import ServiceData
from service.backends.backend import Backend
from service.ranking.ranker import Ranker
from service.ranking.search import Search
from service.snapshot.snapshot import Snapshot
from service.versions.asker import Asker


@dataclass(eq=False)
class Served:
    """One version in service. Nothing of it changes while it is; only requests come and go."""

    number: int
    backend: Backend
    snapshot: Snapshot
    ranker: Ranker
    """Ranks on the snapshot."""

    search: Search
    """How the ranker searches."""

    asker: Asker
    """Asks the model, several requests at once."""

    record: PushRecord
    provenance: Provenance
    data: ServiceData | None
    """None for a version that a pipeline without this document pushed."""

    _requests: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def held(self) -> Iterator["Served"]:
        """Keeps the version from being closed while the block runs."""
        self._requests += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def close(self, grace_seconds: float) -> None:
        """Closes the version once its requests have ended, or after the grace."""
        if self._requests:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._idle.wait(), grace_seconds)
        await self.asker.close()
        await self.backend.close()
        self.snapshot.close()
