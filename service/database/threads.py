"""Calls the database from an event loop: in threads, within a time, and not at all while it is down.

A server that hangs holds a thread for as long as it likes. So calls are given up when their time is over, no more of
them are begun than there are threads, and after one that came to nothing the others fail at once for a moment, instead
of each waiting in turn.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.database.errors import DatabaseUnavailableError

T = TypeVar("T")

_MAX_WAITING_PER_THREAD = 20
"""Calls that may wait for a thread. A read takes about a millisecond, so this many wait for 20."""


class DatabaseThreads:
    """Threads that call one database. Made and used in one event loop."""

    def __init__(self, num_threads: int, timeout_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: num_threads: As many as connections. timeout_seconds: Time of a call. clock: Seconds."""
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="database")
        self._most = num_threads * (1 + _MAX_WAITING_PER_THREAD)
        self._running = 0
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._down_until = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        """Runs a function that uses the database.

        Args:
            work: It is not ended when its time is over; its result is then lost.

        Raises:
            DatabaseUnavailableError: It raised that, its time is over, too many are running, or one of these happened
                within the timeout before now.
            DatabaseError: It raised that.
        """
        if self._clock() < self._down_until:
            raise DatabaseUnavailableError("The database did not answer a moment ago. It is asked again shortly.")
        if self._running >= self._most:
            raise DatabaseUnavailableError("Too many requests wait for the database. See that it is not overloaded.")
        self._running += 1
        call = asyncio.get_running_loop().run_in_executor(self._threads, work)
        call.add_done_callback(self._ended)
        try:
            # Shielded, as a cancelled future would no longer say when its thread is free.
            return await asyncio.wait_for(asyncio.shield(call), self._timeout_seconds)
        except asyncio.TimeoutError:
            self._down()
            raise DatabaseUnavailableError(
                f"The database has not answered within {self._timeout_seconds:g} s. See that it runs and is not "
                "overloaded."
            ) from None
        except DatabaseUnavailableError:
            self._down()
            raise

    def close(self) -> None:
        """Begins no more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _down(self) -> None:
        self._down_until = self._clock() + self._timeout_seconds

    def _ended(self, call: "asyncio.Future[T]") -> None:
        self._running -= 1
        if not call.cancelled():
            call.exception()  # read, or asyncio logs that nobody did
