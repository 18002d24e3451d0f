"""Calls of the database from an event loop: in time, or not at all."""

import asyncio
import threading
import time

import pytest

from service.database.errors import DatabaseError, DatabaseUnavailableError
from service.database.threads import DatabaseThreads


def down() -> None:
    raise DatabaseUnavailableError("down")


def refused() -> None:
    raise DatabaseError("refused")


def test_call_gives_its_result_or_its_error() -> None:
    async def run() -> None:
        threads = DatabaseThreads(2, 30)
        assert await threads.run(lambda: threading.current_thread().name.startswith("database"))
        with pytest.raises(DatabaseError, match="refused"):
            await threads.run(refused)
        assert await threads.run(lambda: 7) == 7  # a refusal says that the database is there
        threads.close()

    asyncio.run(run())


def test_database_that_was_down_is_not_asked_for_a_moment_and_then_again() -> None:
    now = [100.0]

    async def run() -> None:
        threads = DatabaseThreads(2, 30, clock=lambda: now[0])
        with pytest.raises(DatabaseUnavailableError, match="down"):
            await threads.run(down)
        asked = list[int]()
        for later in (0.0, 29.9):
            now[0] = 100.0 + later
            with pytest.raises(DatabaseUnavailableError, match="a moment ago"):
                await threads.run(lambda: asked.append(1))
        assert asked == []
        now[0] = 130.0
        assert await threads.run(lambda: 7) == 7
        threads.close()

    asyncio.run(run())


def test_call_that_hangs_is_given_up_and_its_thread_comes_back() -> None:
    goes_on, now = threading.Event(), [0.0]

    async def run() -> None:
        threads = DatabaseThreads(1, 0.1, clock=lambda: now[0])
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError, match=r"within 0\.1 s"):
            await threads.run(goes_on.wait)
        assert time.monotonic() - began < 5
        now[0] = 1.0
        # Its thread is still taken: 20 more may wait, and all others are refused at once.
        calls = await asyncio.gather(*(threads.run(lambda: 7) for _ in range(25)), return_exceptions=True)
        assert sum("Too many" in str(call) for call in calls) == 5
        goes_on.set()
        while True:  # until the event loop knows that the thread is free
            now[0] += 1.0
            try:
                assert await threads.run(lambda: 7) == 7
                break
            except DatabaseUnavailableError:
                await asyncio.sleep(0)
        threads.close()

    asyncio.run(run())
