"""A process that adds events from many callers at once and says which were acknowledged: `posting.py FILE`.

Each acknowledged id is a line on standard output, written without a buffer. It goes on until it is killed.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from configs.service.events import Database as Settings
from service.database.database import Database
from service.events.event import Event
from service.events.store import EventStore
from service.events.writer import EventWriter

CALLERS = 64


async def main() -> None:
    settings = Settings()
    writer = EventWriter(EventStore(Database(settings, Path(sys.argv[1]))), timeout_seconds=30)
    numbers = itertools.count()

    async def post() -> None:
        for number in numbers:
            event = Event("view", f"user {number % 1000}", f"item {number % 77}", number, f"event {number}")
            added = await writer.add([event])
            assert added.stored == 1
            os.write(1, f"event {number}\n".encode())

    await asyncio.gather(*(post() for _ in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(main())
