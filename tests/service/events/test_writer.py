"""Many callers share transactions; what is acknowledged is there, whatever happens next."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.errors import DatabaseError, DatabaseUnavailableError
from service.database.tables import events
from service.events import writer as module
from service.events.event import Event, EventError
from service.events.store import Added, EventStore
from service.events.writer import EventWriter
from tests.service.events.posting import CALLERS
from tests.service.events.samples import view

ROOT = Path(__file__).parents[3]


class Watched(EventStore):
    """A store that keeps how many callers each transaction had."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.transactions: list[int] = []

    def add(self, groups: Sequence[Sequence[Event]]) -> list[Added]:
        self.transactions.append(len(groups))
        return super().add(groups)


def count(database: Database) -> int:
    return int(database.rows(select(func.count()).select_from(events))[0][0])


def test_callers_that_wait_share_a_transaction_and_each_gets_its_own_answer(database: Database) -> None:
    store = Watched(database)

    async def run() -> list[Added]:
        writer = EventWriter(store, timeout_seconds=30)
        lists = [[view("u", "i", number, event_id=f"{number % 90}")] * (1 + number % 2) for number in range(100)]
        answers = await asyncio.gather(*(writer.add(each) for each in lists))
        await writer.close()
        return answers

    answers = asyncio.run(run())
    assert sum(added.stored for added in answers) == count(database) == 90
    assert sum(added.duplicates for added in answers) == 150 - 90
    assert answers[:2] == [Added(stored=1), Added(stored=1, duplicates=1)]
    assert sum(store.transactions) == 100
    assert len(store.transactions) <= 2  # the first caller may be alone


def test_event_in_the_future_is_refused_for_its_caller_alone(sqlite: Database) -> None:
    async def run() -> list[object]:
        writer = EventWriter(EventStore(sqlite, now=lambda: 10**15), timeout_seconds=30)
        lists = [[view("u", "i", 1)], [view("u", "i", 2), view("u", "i", 2 * 10**15)], [view("u", "i", 3)]]
        return list(await asyncio.gather(*(writer.add(each) for each in lists), return_exceptions=True))

    first, second, third = asyncio.run(run())
    assert (first, third) == (Added(stored=1), Added(stored=1))
    assert isinstance(second, EventError)
    assert count(sqlite) == 2


def test_events_that_the_database_refuses_fail_for_their_caller_alone(sqlite: Database) -> None:
    with sqlite3.connect(str(sqlite.engine.url.database)) as connection:
        connection.execute(
            "CREATE TRIGGER picky BEFORE INSERT ON perennial_events WHEN new.item_id = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'U-secret'); END"
        )

    async def run() -> list[object]:
        writer = EventWriter(EventStore(sqlite), timeout_seconds=30)
        lists = [[view("u", item, place)] for place, item in enumerate(["a", "b", "poison", "c"])]
        return list(await asyncio.gather(*(writer.add(each) for each in lists), return_exceptions=True))

    answers = asyncio.run(run())
    assert [answer for answer in answers if isinstance(answer, Added)] == [Added(stored=1)] * 3
    assert isinstance(answers[2], DatabaseError)
    assert "secret" not in str(answers[2])
    assert count(sqlite) == 3


def test_database_that_is_busy_fails_in_time_and_is_used_again(sqlite: Database) -> None:
    file = Path(str(sqlite.engine.url.database))
    impatient = Database(Settings(), file, timeout_seconds=0.2)
    other = sqlite3.connect(file, isolation_level=None)

    async def run() -> tuple[list[Added | BaseException], float, Added]:
        writer = EventWriter(EventStore(impatient), timeout_seconds=0.5)
        assert await writer.add([view("u", "before", 1)]) == Added(stored=1)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        calls = (writer.add([view("u", "during", number)]) for number in range(2, 22))
        answers = list(await asyncio.gather(*calls, return_exceptions=True))
        seconds = time.monotonic() - began
        other.execute("ROLLBACK")
        after = await writer.add([view("u", "after", 100)])
        await writer.close()
        return answers, seconds, after

    answers, seconds, after = asyncio.run(run())
    assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 20
    assert len({id(answer) for answer in answers}) == 20
    assert seconds < 5
    assert after == Added(stored=1)
    impatient.close()


def test_database_that_hangs_lets_callers_go_and_what_they_left_is_not_added(sqlite: Database) -> None:
    file = Path(str(sqlite.engine.url.database))
    patient = Database(Settings(), file, timeout_seconds=60)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    async def run() -> Added:
        writer = EventWriter(EventStore(patient), timeout_seconds=0.2)
        assert await writer.add([view("u", "before", 1)]) == Added(stored=1)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailableError, match=r"within 0\.2 s"):
            await writer.add([view("u", "in the transaction", 2)])
        with pytest.raises(DatabaseUnavailableError, match=r"within 0\.2 s"):
            await writer.add([view("u", "in the queue", 3)])
        other.execute("ROLLBACK")
        retried = EventWriter(EventStore(patient), timeout_seconds=30)
        return await retried.add([view("u", "after", 4)])

    assert asyncio.run(run()) == Added(stored=1)
    items = {row.item_id for row in patient.rows(select(events.c.item_id))}
    # What was in a transaction is not acknowledged, so it may be there or not.
    assert items - {"in the transaction"} == {"before", "after"}
    patient.close()


def test_too_many_waiting_events_are_refused_at_once(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_EVENTS", 5)

    async def run() -> list[Added | BaseException]:
        writer = EventWriter(EventStore(sqlite), timeout_seconds=30)
        calls = (writer.add([view("u", "i", 3 * number + place) for place in range(3)]) for number in range(3))
        answers = list(await asyncio.gather(*calls, return_exceptions=True))
        assert await writer.add([view("u", "later", 1)]) == Added(stored=1)
        return answers

    first, second, third = asyncio.run(run())
    assert first == Added(stored=3)
    assert isinstance(second, DatabaseUnavailableError) and isinstance(third, DatabaseUnavailableError)


def test_close_waits_for_what_was_added(sqlite: Database) -> None:
    async def run() -> None:
        writer = EventWriter(EventStore(sqlite), timeout_seconds=30)
        calls = [asyncio.ensure_future(writer.add([view("u", "i", number)])) for number in range(50)]
        await asyncio.sleep(0)  # lets the calls begin
        await writer.close()
        assert [(await call).stored for call in calls] == [1] * 50

    asyncio.run(run())
    assert count(sqlite) == 50


@pytest.mark.e2e
@pytest.mark.fault
def test_every_acknowledged_event_is_there_after_the_process_is_killed(sqlite: Database) -> None:
    file = Path(str(sqlite.engine.url.database))
    for wanted in (1, 700, 3000):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.events.posting", str(file)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(wanted)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()  # what it wrote until it died
        process.wait()
        process.stdout.close()
        acknowledged = {line.decode().rstrip("\n") for line in lines if line.endswith(b"\n")}
        assert len(acknowledged) >= wanted
        stored = {row.event_id for row in sqlite.rows(select(events.c.event_id))}
        assert acknowledged <= stored
        # What is stored and was not acknowledged is at most one event of each caller.
        assert len(stored - acknowledged) <= CALLERS
        sqlite.change(events.delete())
