"""Exports: every event in exactly one file, once, whatever ends in between."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from common.errors import OutputError
from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.migrate import migrate
from service.database.tables import events, exports
from service.events import export as module
from service.events.event import Event
from service.events.export import Export, export
from service.events.files import file_of, number_of
from service.events.forgetting import forget
from service.events.recommendation_id import RecommendationIds
from service.events.store import EventStore
from tests.service.events.samples import plain_words, rating_words, shop_words, token, view

ROOT = Path(__file__).parents[3]
WORDS = shop_words()


def items_of(folder: Path) -> list[str]:
    files = sorted(folder.glob("events-*.parquet"))
    return [item for file in files for item in pq.read_table(file).column("item_id").to_pylist()]


def test_file_has_what_the_log_would_have_and_the_place_of_the_click(database: Database, tmp_path: Path) -> None:
    ids = RecommendationIds(bytes(32))
    seen = token(ids, 1_795_978_097, ["i", "Ì "], first=20)
    moment = datetime(2026, 11, 30, 1, 2, 3, 456_789, tzinfo=timezone.utc)
    microseconds = int((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1_000_000)
    EventStore(database, ids).add(
        [[Event("purchase", "Ü ", "Ì ", microseconds, "E", recommendation_id=seen), view("u", "i", 0)]]
    )
    assert export(database, WORDS, tmp_path) == Export(1, {1: 2}, 0)
    table = pq.read_table(tmp_path / "events-1.parquet")
    assert table.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert table.to_pylist() == [
        {
            "user_id": "Ü ",
            "item_id": "Ì ",
            "event": "transaction",
            "timestamp": moment,
            "recommendation_id": seen,
            "version": 1_795_978_097,
            "position": 21,
        },
        {
            "user_id": "u",
            "item_id": "i",
            "event": "view",
            "timestamp": datetime(1970, 1, 1, tzinfo=timezone.utc),
            "recommendation_id": None,
            "version": None,
            "position": None,
        },
    ]


def test_file_of_a_log_of_ratings_has_values_and_of_plain_rows_neither(sqlite: Database, tmp_path: Path) -> None:
    EventStore(sqlite).add([[Event("rating", "u", "i", 1, value=0.1), view("u", "i", 2)]])
    assert export(sqlite, rating_words(), tmp_path / "ratings") == Export(1, {1: 1}, 1)
    assert pq.read_table(tmp_path / "ratings" / "events-1.parquet").column("value").to_pylist() == [0.1]
    assert export(sqlite, plain_words(), tmp_path / "plain") == Export(1, {1: 2}, 0)
    names = pq.read_table(tmp_path / "plain" / "events-1.parquet").column_names
    assert names == ["user_id", "item_id", "timestamp", "recommendation_id", "version", "position"]


def test_files_are_written_again_when_the_log_says_events_in_another_way(sqlite: Database, tmp_path: Path) -> None:
    store = EventStore(sqlite)
    store.add([[Event("rating", "u", "rated", 1, value=4.0), view("u", "seen", 2)]])
    assert export(sqlite, rating_words(), tmp_path) == Export(1, {1: 1}, 1)
    store.add([[view("u", "seen later", 3)]])
    assert export(sqlite, shop_words(), tmp_path) == Export(2, {1: 1, 2: 1}, 1)
    assert export(sqlite, shop_words(positive_min=2), tmp_path) == Export(2, {}, 0)  # says nothing of the files
    assert items_of(tmp_path) == ["seen", "seen later"]
    assert pq.read_table(file_of(tmp_path, 1)).column("event").to_pylist() == ["view"]
    other_words = replace(shop_words(), words={"view": "look", "purchase": "buy"})
    assert export(sqlite, other_words, tmp_path) == Export(2, {1: 1, 2: 1}, 1)
    assert pq.read_table(file_of(tmp_path, 2)).column("event").to_pylist() == ["look"]


def test_file_that_is_damaged_is_written_again(sqlite: Database, tmp_path: Path) -> None:
    EventStore(sqlite).add([[view("u", "i", 1)]])
    export(sqlite, WORDS, tmp_path)
    whole = file_of(tmp_path, 1).read_bytes()
    for damaged in (b"", whole[:-7]):
        file_of(tmp_path, 1).write_bytes(damaged)
        assert export(sqlite, WORDS, tmp_path) == Export(1, {1: 1}, 0)
        assert file_of(tmp_path, 1).read_bytes() == whole


def test_folder_of_another_database_is_refused_and_stays_as_it_is(sqlite: Database, tmp_path: Path) -> None:
    EventStore(sqlite).add([[view("u", "i", 1), view("gone", "i", 1)]])
    folder, file = tmp_path / "events", tmp_path / "new" / "perennial.db"
    forget(sqlite, WORDS, folder, "gone")
    export(sqlite, WORDS, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    migrate(Settings(), file)
    new = Database(Settings(), file)
    EventStore(new).add([[view("v", "j", 1)]])
    with pytest.raises(OutputError, match="exports of another database"):
        export(new, WORDS, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    new.close()


def test_export_without_new_events_does_nothing(database: Database, tmp_path: Path) -> None:
    assert export(database, WORDS, tmp_path) == Export(None, {}, 0)
    EventStore(database).add([[view("u", "i", 1)]])
    assert export(database, WORDS, tmp_path) == Export(1, {1: 1}, 0)
    before = (tmp_path / "events-1.parquet").stat().st_ino  # a file that is written again is another one
    assert export(database, WORDS, tmp_path) == Export(1, {}, 0)
    assert (tmp_path / "events-1.parquet").stat().st_ino == before
    assert list(tmp_path.glob("events-*")) == [tmp_path / "events-1.parquet"]


def test_each_event_is_in_one_file_in_the_order_of_arrival(database: Database, tmp_path: Path) -> None:
    store = EventStore(database)
    for number in range(3):
        store.add([[view("u", f"{number} {place}", 5 - place) for place in range(5)]])
        assert export(database, WORDS, tmp_path).number == number + 1
    assert items_of(tmp_path) == [f"{number} {place}" for number in range(3) for place in range(5)]


def test_events_that_are_added_while_exports_run_are_each_in_one_file(patient: Database, tmp_path: Path) -> None:
    done, some_are_exported = threading.Event(), threading.Event()

    def add(caller: int) -> None:
        store = EventStore(patient)
        for number in range(60):
            if number == 30:
                some_are_exported.wait()  # SQLite may keep exports waiting while others add
            store.add([[view("u", f"{caller} {number} {place}", number) for place in range(5)]])

    def export_again() -> None:
        while not done.is_set():
            if export(patient, WORDS, tmp_path).number is not None:
                some_are_exported.set()

    with ThreadPoolExecutor(4) as threads:
        exporting = [threads.submit(export_again) for _ in range(2)]
        try:
            for adding in [threads.submit(add, caller) for caller in range(2)]:
                adding.result()
        finally:
            done.set()
        for each in exporting:
            each.result()
    last = export(patient, WORDS, tmp_path).number
    assert last is not None and last > 1
    assert sorted(items_of(tmp_path)) == sorted(f"{c} {n} {p}" for c in range(2) for n in range(60) for p in range(5))


def test_large_export_is_read_and_written_in_pieces(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROW_GROUP_ROWS", 100)
    EventStore(database).add([[view("u", f"{number:03}", 1) for number in range(450)]])
    assert export(database, WORDS, tmp_path) == Export(1, {1: 450}, 0)
    file = pq.ParquetFile(tmp_path / "events-1.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [100] * 4 + [50]
    assert items_of(tmp_path) == [f"{number:03}" for number in range(450)]


def test_file_that_is_missing_or_unconfirmed_is_written_again_with_the_same_bytes(
    database: Database, tmp_path: Path
) -> None:
    store = EventStore(database)
    for number in (1, 2):
        store.add([[view(f"user {place}", "i", place + 100 * number) for place in range(100)]])
        export(database, WORDS, tmp_path)
    digests = [hashlib.sha256(file_of(tmp_path, number).read_bytes()).digest() for number in (1, 2)]
    file_of(tmp_path, 1).unlink()
    database.change(update(exports).where(exports.c.number == 2).values(written=False))
    file_of(tmp_path, 2).write_bytes(b"half")
    assert export(database, WORDS, tmp_path) == Export(2, {1: 100, 2: 100}, 0)
    assert [hashlib.sha256(file_of(tmp_path, number).read_bytes()).digest() for number in (1, 2)] == digests
    assert database.rows(select(exports.c.written)) == [(True,), (True,)]


_KILLED = """
import os, signal, sys
from pathlib import Path
from common.atomicity import files
from configs.service.events import Database as Settings
from service.database.database import Database
from service.events.export import export
from tests.service.events.samples import shop_words

file, folder, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
replace = os.replace
def killed(source, goal):
    if "events-" not in str(goal):
        return replace(source, goal)
    if where == "after":
        replace(source, goal)
    os.kill(os.getpid(), signal.SIGKILL)
files.os.replace = killed
export(Database(Settings(), file), shop_words(), folder)
"""


@pytest.mark.e2e
@pytest.mark.fault
@pytest.mark.parametrize("where", ["before", "after"])
def test_export_that_is_killed_around_the_rename_is_finished_by_the_next_one(
    sqlite: Database, tmp_path: Path, where: str
) -> None:
    store, folder = EventStore(sqlite), tmp_path / "events"
    store.add([[view("u", "first", 1)]])
    arguments = [sys.executable, "-c", _KILLED, str(sqlite.engine.url.database), str(folder), where]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert file_of(folder, 1).exists() == (where == "after")
    store.add([[view("u", "second", 1)]])
    assert export(sqlite, WORDS, folder) == Export(2, {1: 1, 2: 1}, 0)
    assert items_of(folder) == ["first", "second"]


def test_folder_that_cannot_be_written_is_an_error_and_the_next_export_goes_on(
    sqlite: Database, tmp_path: Path
) -> None:
    EventStore(sqlite).add([[view("u", "i", 1)]])
    (tmp_path / "events").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        export(sqlite, WORDS, tmp_path / "events")
    os.unlink(tmp_path / "events")
    assert export(sqlite, WORDS, tmp_path / "events") == Export(1, {1: 1}, 0)


def test_number_of_a_file_is_the_number_in_its_name(tmp_path: Path) -> None:
    assert number_of(file_of(tmp_path, 12).name) == 12
    others = ("events-0.parquet", "events-1.parquet.tmp", ".events-1.parquet", "events-x.parquet", "events-01.parquet")
    assert [number_of(name) for name in others] == [None] * 5


def test_closed_export_gets_no_event_of_a_transaction_that_began_before(database: Database, tmp_path: Path) -> None:
    """The writer holds the open export until its commit; the export waits for it."""
    store, began, goes_on = EventStore(database), threading.Event(), threading.Event()
    store.add([[view("u", "before", 1)]])

    def add_slowly() -> None:
        from service.events import store as adding

        def work(connection: object) -> None:
            row = store._row(view("u", "slow", 2))
            adding._add(connection, [[row]], {"u": b"x"})  # type: ignore[arg-type]
            began.set()
            goes_on.wait()

        database.write(work)

    with ThreadPoolExecutor(2) as threads:
        adding = threads.submit(add_slowly)
        began.wait()
        exporting = threads.submit(export, database, WORDS, tmp_path)
        goes_on.set()
        adding.result()
        exporting.result()
    assert sorted(items_of(tmp_path)) == ["before", "slow"]
    assert database.rows(select(events.c.export).distinct()) == [(1,)]
