"""A forgotten user is in no row, no file and no later event; everybody else stays."""

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from common.errors import DataError
from service.database.database import Database
from service.database.tables import events, exports, forgotten
from service.events.export import Export, export
from service.events.files import file_of
from service.events.forgetting import Forgot, forget, remember
from service.events.forgotten import KEY_FILE, LIST_FILE, Forgotten
from service.events.store import EventStore
from tests.service.events.samples import shop_words, view

WORDS = shop_words()
GONE = "Somebody-Who-Left"


def users_of(folder: Path) -> list[str]:
    files = sorted(folder.glob("events-*.parquet"))
    return [user for file in files for user in pq.read_table(file).column("user_id").to_pylist()]


def test_forgotten_user_is_in_no_row_and_no_file_and_all_others_are(database: Database, tmp_path: Path) -> None:
    store, folder = EventStore(database), tmp_path / "events"
    for number, users in enumerate(((GONE, "a"), ("b", "c"), (GONE.lower(), GONE, "d"))):
        store.add([[view(user, "i", number) for user in users]])
        export(database, WORDS, folder)
    store.add([[view(user, "i", 9) for user in ("e", GONE)]])
    untouched = file_of(folder, 2).stat()

    assert forget(database, WORDS, folder, GONE) == Forgot(3, [1, 3])

    rest = ["a", "b", "c", GONE.lower(), "d"]
    assert users_of(folder) == rest
    assert file_of(folder, 2).stat().st_ino == untouched.st_ino  # a file that is written again is another one
    assert [row.user_id for row in database.rows(select(events).order_by(events.c.sequence))] == [*rest, "e"]
    assert export(database, WORDS, folder) == Export(4, {4: 1}, 0)
    assert users_of(folder) == [*rest, "e"]
    assert forget(database, WORDS, folder, GONE) == Forgot(0, [])


def test_forgotten_user_is_in_no_byte_of_any_file(sqlite: Database, tmp_path: Path) -> None:
    store, folder = EventStore(sqlite), tmp_path / "events"
    store.add([[view(user, "i", number) for number in range(500) for user in (GONE, "somebody-else")]])
    export(sqlite, WORDS, folder)

    def holding(text: str) -> set[str]:
        return {file.name for file in tmp_path.rglob("*") if file.is_file() and text.encode() in file.read_bytes()}

    assert len(holding(GONE)) >= 2  # the database or its log, and the export
    forget(sqlite, WORDS, folder, GONE)
    assert holding(GONE) == set()
    assert {"perennial.db", "events-1.parquet"} <= holding("somebody-else")


def test_user_whose_export_was_not_written_yet_is_not_in_it_either(sqlite: Database, tmp_path: Path) -> None:
    EventStore(sqlite).add([[view(GONE, "i", 1)]])
    export(sqlite, WORDS, tmp_path)
    file_of(tmp_path, 1).unlink()
    forget(sqlite, WORDS, tmp_path, GONE)
    assert users_of(tmp_path) == []
    assert pq.read_table(file_of(tmp_path, 1)).num_rows == 0


def test_forgetting_that_was_ended_after_the_database_is_finished_by_the_next_export(
    sqlite: Database, tmp_path: Path
) -> None:
    from service.events import forgetting
    from service.events.forgotten import digest
    from service.events.forgotten_copy import forgotten_key

    EventStore(sqlite).add([[view(GONE, "i", 1), view("a", "i", 1)]])
    export(sqlite, WORDS, tmp_path)
    hashed = digest(forgotten_key(sqlite), GONE)
    sqlite.write(lambda connection: forgetting._forget(connection, GONE, hashed))  # and then the machine stops
    assert users_of(tmp_path) == [GONE, "a"]
    assert export(sqlite, WORDS, tmp_path) == Export(1, {1: 1}, 0)
    assert users_of(tmp_path) == ["a"]
    assert Forgotten.read(tmp_path).mask(pa.array([GONE, "a"])).tolist() == [True, False]


def test_user_who_is_forgotten_while_a_file_is_written_is_not_in_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.events import export as exporting
    from service.events import forgetting
    from service.events.forgotten import digest
    from service.events.forgotten_copy import forgotten_key

    EventStore(database).add([[view(GONE, "i", 1), view("a", "i", 1)]])
    hashed, pages, asked = digest(forgotten_key(database), GONE), exporting._pages, list[int]()

    def pages_and_forget(*arguments: object) -> object:
        yield from pages(*arguments)  # type: ignore[arg-type]
        asked.append(1)
        if len(asked) == 1:  # the rows are read, and the file is not there yet
            database.write(lambda connection: forgetting._forget(connection, GONE, hashed))

    monkeypatch.setattr(exporting, "_pages", pages_and_forget)
    assert export(database, WORDS, tmp_path) == Export(1, {1: 1}, 0)
    assert len(asked) == 2
    assert users_of(tmp_path) == ["a"]
    assert database.rows(select(exports.c.written, exports.c.generation)) == [(True, 1)]


def test_events_that_arrive_while_a_user_is_forgotten_do_not_stay(patient: Database, tmp_path: Path) -> None:
    database, stop, failed = patient, threading.Event(), [True]

    def add() -> int:
        store, dropped, number = EventStore(database), 0, 0
        while not (stop.is_set() and (dropped or failed)):
            number += 1
            dropped += store.add([[view(GONE, "i", number), view("a", "i", number)]])[0].forgotten
        return dropped

    with ThreadPoolExecutor(2) as threads:
        adding = [threads.submit(add) for _ in range(2)]
        try:
            export(database, WORDS, tmp_path)
            forget(database, WORDS, tmp_path, GONE)
            failed.clear()
        finally:
            stop.set()
        assert all(each.result() > 0 for each in adding)
    export(database, WORDS, tmp_path)
    assert set(users_of(tmp_path)) == {"a"}
    assert database.rows(select(events.c.event_id).where(events.c.user_id == GONE)) == []


def test_list_of_the_forgotten_names_nobody_and_its_key_is_for_this_account(sqlite: Database, tmp_path: Path) -> None:
    forget(sqlite, WORDS, tmp_path, GONE)
    key, hashes = (tmp_path / KEY_FILE).read_bytes(), (tmp_path / LIST_FILE).read_bytes()
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert hashes == hashlib.blake2b(GONE.encode(), key=key, digest_size=16).digest()
    assert hashes != hashlib.blake2b(GONE.encode(), digest_size=16).digest()
    assert sqlite.rows(select(forgotten)) == [(hashes,)]


def test_mask_tells_which_of_many_ids_are_forgotten(sqlite: Database, tmp_path: Path) -> None:
    users = [GONE, GONE.lower(), "Ü", "u", "", "Ü", GONE]
    wanted = [True, False, True, False, False, True, True]
    assert Forgotten.read(tmp_path).mask(pa.array(users)).tolist() == [False] * 7
    for user in (GONE, "Ü", "back again"):
        forget(sqlite, WORDS, tmp_path, user)
    remember(sqlite, tmp_path, "back again")
    read = Forgotten.read(tmp_path)
    assert len(read) == 2
    assert read.mask(pa.array(users)).tolist() == wanted
    assert read.mask(pa.array([], pa.string())).tolist() == []
    for chunked in (pa.chunked_array([users[:3], [], users[3:]]), pa.chunked_array([users])):
        assert read.mask(chunked).tolist() == wanted
    assert read.mask(pa.array(users, pa.large_string())).tolist() == wanted
    assert read.mask(pa.array(["back again", "Ü"])).tolist() == [False, True]
    assert read.mask(pa.chunked_array([], pa.string())).tolist() == []


def test_mask_of_a_million_users_takes_seconds_of_cpu(tmp_path: Path) -> None:
    some = [f"user {number}" for number in range(0, 1_000_000, 1000)]
    key = b"k" * 32
    hashes = sorted(hashlib.blake2b(user.encode(), key=key, digest_size=16).digest() for user in some)
    (tmp_path / KEY_FILE).write_bytes(key)
    (tmp_path / LIST_FILE).write_bytes(b"".join(hashes))
    users = pa.array([f"user {number}" for number in range(1_000_000)])
    began = time.process_time()
    mask = Forgotten.read(tmp_path).mask(users)
    assert time.process_time() - began < 8  # 1.6 were measured
    assert np.flatnonzero(mask).tolist() == list(range(0, 1_000_000, 1000))


@pytest.mark.parametrize("damage", ["no key", "no list", "short key", "half a hash"])
def test_list_that_is_damaged_is_an_error_and_not_an_empty_list(sqlite: Database, tmp_path: Path, damage: str) -> None:
    forget(sqlite, WORDS, tmp_path, GONE)
    key, hashes = tmp_path / KEY_FILE, tmp_path / LIST_FILE
    damages: dict[str, Callable[[], object]] = {
        "no key": key.unlink,
        "no list": hashes.unlink,
        "short key": lambda: key.write_bytes(b"short"),
        "half a hash": lambda: hashes.write_bytes(hashes.read_bytes()[:8]),
    }
    damages[damage]()
    with pytest.raises(DataError, match="not known who is forgotten"):
        Forgotten.read(tmp_path)
    export(sqlite, WORDS, tmp_path)
    assert len(Forgotten.read(tmp_path)) == 1
