"""A database server that crashes, is away, or hangs: callers are answered in time, nothing acknowledged is lost."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.errors import DatabaseUnavailableError
from service.database.migrate import migrate
from service.database.tables import events
from service.database.threads import DatabaseThreads
from service.events.store import Added, EventStore
from service.events.writer import EventWriter
from tests.service.events.samples import newest, view
from tests.service.servers import run_postgresql, start_postgresql

pytestmark = [pytest.mark.e2e, pytest.mark.fault]

_TIMEOUT_SECONDS = 1.0

Server = tuple[Path, "subprocess.Popen[bytes]", Database]


@pytest.fixture
def server() -> Iterator[Server]:
    # Not in pytest's folder, which other accounts must not enter.
    with tempfile.TemporaryDirectory(prefix="perennial-own-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        process, url = start_postgresql(folder)
        settings = Settings(url=url, timeout_seconds=_TIMEOUT_SECONDS, pool_size=3)
        migrate(settings, Path("unused"))
        database = Database(settings, Path("unused"))
        yield folder, process, database
        database.close()
        (pid, *_) = (folder / "data" / "postmaster.pid").read_text().split()
        os.kill(int(pid), signal.SIGQUIT)
        while os.path.exists(f"/proc/{pid}") and process.poll() is None:
            process.wait(30)


def test_server_that_crashes_loses_nothing_acknowledged_and_is_used_again(server: Server) -> None:
    folder, process, database = server

    async def run() -> tuple[list[str], list[str]]:
        writer, acknowledged, refused, crashed = EventWriter(EventStore(database), 5.0), [], [], asyncio.Event()

        async def post(caller: int) -> None:
            for number in range(1_000_000):
                event_id = f"{caller} {number}"
                try:
                    await writer.add([view("u", "i", number, event_id=event_id)])
                except DatabaseUnavailableError:
                    refused.append(event_id)
                    return
                acknowledged.append(event_id)
                if len(acknowledged) == 300 and not crashed.is_set():
                    crashed.set()
                    process.send_signal(signal.SIGQUIT)  # ends at once, without a checkpoint

        await asyncio.gather(*(post(caller) for caller in range(16)))
        process.wait(30)
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError, match="does not answer"):
            await writer.add([view("u", "i", 1, event_id="away")])
        assert time.monotonic() - began < 2 * _TIMEOUT_SECONDS
        run_postgresql(folder)
        # The connections in the pool are dead, which nobody sees.
        assert (await writer.add([view("u", "i", 1, event_id="back")])).stored == 1
        await writer.close()
        return acknowledged, refused

    acknowledged, refused = asyncio.run(run())
    assert len(acknowledged) >= 300
    assert len(refused) == 16
    stored = {row.event_id for row in database.rows(select(events.c.event_id))}
    assert {*acknowledged, "back"} <= stored


def test_server_that_hangs_lets_callers_go_in_time_and_is_used_again(server: Server) -> None:
    _, process, database = server

    async def run() -> None:
        store = EventStore(database)
        writer, threads = EventWriter(store, _TIMEOUT_SECONDS), DatabaseThreads(3, _TIMEOUT_SECONDS)
        assert await writer.add([view("u", "before", 1)]) == Added(stored=1)
        stored = await threads.run(lambda: newest(store, "u"))
        assert stored is not None and len(stored) == 1
        everything = _with_children(process.pid)
        for pid in everything:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            calls = [
                writer.add([view("u", "during", 2)]),
                *(threads.run(lambda: newest(store, "u")) for _ in "ab"),
            ]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(answer) for answer in answers] == [DatabaseUnavailableError] * 3
            assert time.monotonic() - began < 3 * _TIMEOUT_SECONDS
            began = time.monotonic()
            with pytest.raises(DatabaseUnavailableError, match="a moment ago"):
                await threads.run(lambda: newest(store, "u"))
            assert time.monotonic() - began < 0.5 * _TIMEOUT_SECONDS
        finally:
            for pid in everything:
                os.kill(pid, signal.SIGCONT)
        until = time.monotonic() + 30
        while True:  # until what hung has ended
            try:
                assert (await writer.add([view("u", "after", 3, event_id="after")])).stored in (0, 1)
                found = await threads.run(lambda: newest(store, "u"))
                break
            except DatabaseUnavailableError:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        assert {event.item for event in found or []} - {"during"} == {"before", "after"}
        threads.close()
        await writer.close()

    asyncio.run(run())


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]
