"""Adds events from many requests of one event loop; those that wait at the same time share a transaction.

A commit waits for the disk for milliseconds, whatever its size. So one thread writes; while it waits for a commit, new
events gather, and the next transaction takes them all. Nothing waits for a timer.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from service.database.errors import DatabaseError, DatabaseUnavailableError
from service.events.event import Event
from service.events.store import Added, EventStore

MAX_WAITING_EVENTS = 20_000
"""Events that wait; more are refused. Ten seconds' worth at 2,000 a second, some 20 MB."""

_MAX_TRANSACTION_EVENTS = 2000
"""So that a transaction after a long wait does not take longer than its callers wait."""


@dataclass(eq=False)
class _Waiting:
    events: Sequence[Event]
    added: "asyncio.Future[Added]" = field(repr=False)
    is_taken: bool = False


class EventWriter:
    """Adds events to a store. Made and used in one event loop."""

    def __init__(self, store: EventStore, timeout_seconds: float) -> None:
        """Args: store: Where they go. timeout_seconds: How long a caller waits."""
        self._store = store
        self._timeout_seconds = timeout_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._waiting: deque[_Waiting] = deque()
        self._num_waiting = 0
        self._writing: asyncio.Task[None] | None = None

    async def add(self, events: Sequence[Event]) -> Added:
        """Adds events; they are on the disk when it returns.

        Args:
            events: Of one caller.

        Raises:
            EventError: An event is in the future; none is added.
            DatabaseUnavailableError: The database did not answer in time, or too many events wait. Perhaps they were
                added: the caller may send them again with the same ids.
            DatabaseError: The database refused them.
        """
        for event in events:
            event.check_time(self._store.now())
        if self._num_waiting + len(events) > MAX_WAITING_EVENTS:
            raise DatabaseUnavailableError(
                f"{self._num_waiting} events wait for the database, and more would not fit. Send them again later."
            )
        waiting = _Waiting(events, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._num_waiting += len(events)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
        try:
            return await asyncio.wait_for(waiting.added, self._timeout_seconds)
        except asyncio.TimeoutError:
            raise DatabaseUnavailableError(
                f"{self._store.database.name}: has not stored events within {self._timeout_seconds:g} s. See that it "
                "runs and is not overloaded."
            ) from None
        finally:
            if not waiting.is_taken:  # the caller is gone, and so are its events
                self._waiting.remove(waiting)
                self._num_waiting -= len(events)

    async def close(self) -> None:
        """Waits until what was added is written, and ends the thread."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=self._timeout_seconds)
        self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        while self._waiting:
            taken = self._take()
            try:
                await self._add(taken)
            finally:  # also if the loop ends
                for waiting in taken:
                    if not waiting.added.done():
                        waiting.added.cancel()

    async def _add(self, taken: list[_Waiting]) -> None:
        try:
            outcomes = await self._in_thread([waiting.events for waiting in taken])
        except DatabaseUnavailableError as e:
            _fail(taken, e)
        except DatabaseError as e:
            if len(taken) == 1:
                _fail(taken, e)
            else:  # one caller's events must not fail the others'
                for waiting in taken:
                    await self._add([waiting])
        else:
            for waiting, added in zip(taken, outcomes, strict=True):
                if not waiting.added.done():
                    waiting.added.set_result(added)

    async def _in_thread(self, groups: list[Sequence[Event]]) -> list[Added]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store.add, groups)

    def _take(self) -> list[_Waiting]:
        taken, total = list[_Waiting](), 0
        while self._waiting and (not taken or total + len(self._waiting[0].events) <= _MAX_TRANSACTION_EVENTS):
            waiting = self._waiting.popleft()
            total += len(waiting.events)
            waiting.is_taken = True
            taken.append(waiting)
        self._num_waiting -= total
        return taken


def _fail(taken: list[_Waiting], error: DatabaseError) -> None:
    for waiting in taken:
        if not waiting.added.done():
            # An error of its own for each: a raised error collects the traceback of whoever waits.
            waiting.added.set_exception(type(error)(*error.args))
