"""What users did since: read together for requests that wait at once, and left out while that is impossible."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event

from configs.service.events import Database as Settings
from configs.service.section import Batching
from service.database.database import Database
from service.database.threads import DatabaseThreads
from service.events.forgetting import forget
from service.events.store import EventStore
from service.queries.recent import MOST, RecentEvents
from service.queries.resolve import Met
from tests.service.events.samples import shop_words, view


async def asked(
    database: Database, users: Sequence[str], failures: list[int], *, max_waiting: int = 512
) -> list[list[Met] | None]:
    """The events of users who are asked about at the same time."""
    threads = DatabaseThreads(2, 30)
    batching = Batching(max_rows=8, max_waiting=max_waiting)
    recent = RecentEvents(EventStore(database), threads, shop_words(), batching, lambda: failures.append(1))
    found = await asyncio.gather(*(recent.of(user, None) for user in users))
    threads.close()
    return list(found)


def test_requests_that_wait_at_the_same_time_share_a_transaction(database: Database, tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(16)]
    EventStore(database).add([[view(user, f"of {user}", 7) for user in users]])
    forget(database, shop_words(), tmp_path, "u5")
    begun = list[int]()
    event.listen(database.engine, "begin", lambda _: begun.append(1))
    found = asyncio.run(asked(database, users, []))
    wanted = [[(f"of {user}", 0.5)] for user in users]
    assert found == [None if user == "u5" else each for user, each in zip(users, wanted, strict=True)]
    assert len(begun) == 3  # one for the key of the forgotten, and two of eight users each


def test_events_that_the_log_would_not_count_are_left_out_and_the_newest_are_kept(sqlite: Database) -> None:
    many = [view("u", f"i{number}", number) for number in range(MOST + 20)]
    EventStore(sqlite).add([many])
    [found] = asyncio.run(asked(sqlite, ["u"], []))
    assert found is not None
    assert [item for item, _ in found] == [f"i{number}" for number in range(20, MOST + 20)]


def test_database_that_does_not_answer_leaves_requests_without_events_and_says_so_once(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = Database(Settings(), Path(str(sqlite.engine.url.database)), timeout_seconds=0.1)
    other = sqlite3.connect(str(sqlite.engine.url.database), isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    failures = list[int]()
    assert asyncio.run(asked(impatient, ["secret name"] * 20, failures)) == [[]] * 20
    other.close()
    impatient.close()
    assert len(failures) == 20
    assert len([each for each in caplog.records if "without the newest events" in each.message]) == 1
    assert "secret name" not in caplog.text


def test_more_requests_than_may_wait_go_on_without_events(sqlite: Database) -> None:
    EventStore(sqlite).add([[view("u", "i", 7)]])
    failures = list[int]()
    found = asyncio.run(asked(sqlite, ["u"] * 30, failures, max_waiting=10))
    assert [len(each or []) for each in found] == [1] * 10 + [0] * 20
    assert len(failures) == 20
