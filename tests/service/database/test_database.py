"""Tables, migrations, ids and errors, in each kind of database."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Inspector, func, inspect, select, text, update

from common.errors import ConfigError
from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.errors import DatabaseError, DatabaseUnavailableError
from service.database.inserts import insert_new, insert_or_add, insert_or_replace
from service.database.items import ItemMetadata, ItemStore
from service.database.migrate import migrate
from service.database.secrets import secret
from service.database.tables import api_users, items, metadata, secrets, shown, state
from tests.service.conftest import KINDS, SERVERS
from tests.service.servers import mariadb_url

TWINS = ["A", "a", "é", "e", "e\u0301", "a ", "a  ", " a", "\uff41", "ß", "ss", "ı", "i", "I", "%", "_", "\U0001f3ac"]
"""Ids that some database takes for each other: case, accents, composed and not, blanks, widths, ligatures."""

WITH_A_SERVER = [kind for kind in SERVERS if kind.values != ("sqlite",)]


def test_migrations_make_what_the_tables_say(database: Database, tmp_path: Path) -> None:
    kind = {"mysql": "mariadb"}.get(database.engine.dialect.name, database.engine.dialect.name)
    wanted = Database(Settings(url=KINDS[kind]()), tmp_path / "wanted.db")
    metadata.create_all(wanted.engine)
    found = _reflected(database)
    found.pop("perennial_schema")
    assert found == _reflected(wanted)
    assert set(found) == set(metadata.tables)
    wanted.close()


def _reflected(database: Database) -> dict[str, object]:
    """What the database itself says about its tables."""
    asked = inspect(database.engine)
    return {
        table: (
            [{**column, "type": repr(column["type"])} for column in asked.get_columns(table)],
            asked.get_pk_constraint(table)["constrained_columns"],
            sorted((each["name"], each["column_names"], each["unique"]) for each in asked.get_indexes(table)),
            _options(asked, table) if database.engine.dialect.name == "mysql" else None,
        )
        for table in asked.get_table_names()
    }


def _options(asked: Inspector, table: str) -> dict[str, object]:
    return {name: value for name, value in asked.get_table_options(table).items() if "auto_increment" not in name}


def test_starts_at_once_make_the_tables_once(settings: Settings, tmp_path: Path) -> None:
    file, together = tmp_path / "perennial.db", threading.Barrier(4)

    def start() -> None:
        together.wait()
        migrate(settings, file)

    with ThreadPoolExecutor(4) as threads:
        for started in [threads.submit(start) for _ in range(4)]:
            started.result()
    database = Database(settings, file)
    assert database.rows(select(state.c.id, state.c.open_export)) == [(1, 1)]
    database.close()


def test_start_with_tables_of_a_newer_release_says_so(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "perennial.db"
    migrate(settings, file)
    database = Database(settings, file)
    database.change(text("UPDATE perennial_schema SET version_num = 'future'"))
    with pytest.raises(DatabaseError, match="a newer release"):
        migrate(settings, file)
    database.close()


def test_ids_are_compared_by_bytes(database: Database) -> None:
    statement = insert_new(database.engine.dialect, items, "item_id")
    rows = [{"item_id": item, "title": f"title {place}", "features": {}} for place, item in enumerate(TWINS)]
    database.change(statement, rows)
    assert database.rows(select(func.count()).select_from(items)) == [(len(TWINS),)]
    for place, item in enumerate(TWINS):
        query = select(items.c.item_id, items.c.title).where(items.c.item_id == item)
        assert database.rows(query) == [(item, f"title {place}")]
    in_order = [row.item_id for row in database.rows(select(items.c.item_id).order_by(items.c.item_id))]
    assert in_order == sorted(TWINS, key=lambda item: item.encode())


def test_insert_new_leaves_the_old_row(database: Database) -> None:
    statement = insert_new(database.engine.dialect, api_users, "name")
    for hashed in ("first", "second"):
        database.change(statement, [{"name": "shop", "hash": hashed, "scopes": "read"}])
    assert database.rows(select(api_users)) == [("shop", "first", "read")]


@pytest.mark.parametrize("settings", WITH_A_SERVER, indirect=True)  # SQLite has no lengths
def test_insert_new_does_not_cut_a_value_that_is_too_long(database: Database) -> None:
    statement = insert_new(database.engine.dialect, api_users, "name")
    with pytest.raises(DatabaseError):
        database.change(statement, [{"name": "shop", "hash": "x" * 256, "scopes": "read"}])
    assert database.rows(select(api_users)) == []


def test_insert_or_replace_replaces_and_insert_or_add_adds(database: Database) -> None:
    dialect = database.engine.dialect
    for hashed in ("first", "second"):
        row = {"name": "shop", "hash": hashed, "scopes": "read"}
        database.change(insert_or_replace(dialect, api_users), [row])
    assert database.rows(select(api_users)) == [("shop", "second", "read")]
    for answers in (3, 4):
        counts = {"version": 2**40, "position": 1, "answers": answers}
        database.change(insert_or_add(dialect, shown, "answers"), [counts, {**counts, "position": 2}])
    assert database.rows(select(shown).order_by(shown.c.position)) == [(2**40, 1, 7), (2**40, 2, 7)]


def test_secret_is_made_once_and_differs_by_name(database: Database) -> None:
    together = threading.Barrier(3)

    def ask(_: int) -> bytes:
        together.wait()
        return secret(database, "one")

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(ask, range(3)))) == 1
    assert len(secret(database, "one")) == 32
    assert secret(database, "one") != secret(database, "two")
    assert database.rows(select(func.count()).select_from(secrets)) == [(2,)]


def test_failed_work_leaves_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(update(state).values(open_export=9))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert database.rows(select(state.c.open_export)) == [(1,)]


@pytest.mark.parametrize("settings", WITH_A_SERVER, indirect=True)  # SQLite has one writer at a time
def test_transactions_that_wait_for_each_other_are_both_done(patient: Database) -> None:
    together, attempts = threading.Barrier(2), list[str]()
    patient.change(items.insert(), [{"item_id": item, "title": "", "features": {}} for item in "ab"])

    def rename(first: str, second: str) -> None:
        tried = list[int]()

        def work(connection: Connection) -> None:
            attempts.append(first)
            tried.append(1)
            for item in (first, second):
                renaming = update(items).where(items.c.item_id == item)
                connection.execute(renaming.values(title=items.c.title.concat(first)))
                if len(tried) == 1 and item == first:
                    together.wait()  # each holds what the other one wants

        patient.write(work)

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(rename, *order) for order in ("ab", "ba")]:
            each.result()
    assert len(attempts) >= 3  # the database ended one of them, and may end the other one while the first tries again
    titles = {row.title for row in patient.rows(select(items.c.title))}
    assert titles in ({"ab"}, {"ba"})


def test_error_names_neither_values_nor_ids(database: Database) -> None:
    row = {"name": "secret-name", "hash": "secret-hash", "scopes": "read"}
    database.change(api_users.insert(), [row])
    with pytest.raises(DatabaseError) as caught:
        database.change(api_users.insert(), [row])
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert not isinstance(caught.value, DatabaseUnavailableError)


def test_items_are_read_with_one_query_and_then_from_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], list[object]()
    store = ItemStore(database, cached_items=3, cached_seconds=60, clock=lambda: now[0])
    known = {item: ItemMetadata(f"Tïtle {item}", {"genre": ["Ærø", "x"], "year": 1995}) for item in ("A", "a", "a ")}
    assert store.put(known.items()) == 3
    read = database.read

    def counted(work: Callable[[Connection], Any]) -> Any:
        asked.append(work)
        return read(work)

    monkeypatch.setattr(database, "read", counted)
    assert store.remembered(["A"]) is None
    assert store.get(["A", "a", "unknown", "A"]) == {item: known[item] for item in ("A", "a")}
    assert len(asked) == 1
    assert store.get(["a", "unknown"]) == store.remembered(["a", "unknown"]) == {"a": known["a"]}
    assert store.remembered(["a", "a "]) is None
    assert len(asked) == 1
    assert store.get(["a "]) == {"a ": known["a "]}  # a fourth one: "A" was asked longest ago
    assert store.get(["a", "unknown"]) == {"a": known["a"]}
    assert len(asked) == 2
    assert store.get(["A"]) == {"A": known["A"]}
    assert len(asked) == 3
    now[0] = 61.0
    assert store.get(["A"]) == {"A": known["A"]}
    assert len(asked) == 4
    assert store.get(["\ud800", "\0", "x" * 513]) == {}


def test_items_put_again_are_replaced_in_memory_too(database: Database) -> None:
    store = ItemStore(database)
    for title in ("old", "new"):
        store.put([("i", ItemMetadata(title, {}))])
        assert store.get(["i"]) == {"i": ItemMetadata(title, {})}


def test_removed_items_are_gone_at_once_and_the_first_ones_are_listed_by_bytes(database: Database) -> None:
    store, title = ItemStore(database), ItemMetadata("title", {"year": [1995]})
    store.put([(item, title) for item in ("b", "é", "A", "a")])
    assert store.first(3) == (4, [(item, title) for item in ("A", "a", "b")])
    assert store.get(["a", "é"]) == {"a": title, "é": title}
    assert store.remove(["a", "e", "x" * 600, "\0", "a"]) == 1
    assert store.get(["a", "é"]) == {"é": title}
    assert store.first(0) == (3, [])


def test_sqlite_syncs_each_commit_and_is_for_this_account_alone(sqlite: Database) -> None:
    found = [sqlite.rows(text(f"PRAGMA {name}"))[0][0] for name in ("journal_mode", "synchronous", "secure_delete")]
    assert found == ["wal", 2, 1]
    file = Path(str(sqlite.engine.url.database))
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    assert sqlite.doubts() == []


@pytest.mark.parametrize("kind", WITH_A_SERVER)
def test_doubts_name_settings_that_lose_commits(kind: str) -> None:
    database = Database(Settings(url=KINDS[kind]()), Path("unused"))
    wanted = {"postgresql": "fsync of the database server is off", "mariadb": "innodb_flush_log_at_trx_commit"}[kind]
    (doubt,) = database.doubts()
    assert wanted in doubt
    database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://shop:hunter2@db/perennial", "password_file"),
        ("postgresql://shop@db/perennial", "is not supported"),
        ("oracle://db", "is not supported"),
        ("hunter2", "is no URL"),
        ("sqlite://", "names no file"),
    ],
)
def test_url_that_cannot_be_used_is_refused_and_not_repeated(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Database(Settings(url=url), Path("unused"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.e2e  # a server of its own
def test_password_is_read_at_each_connection(tmp_path: Path) -> None:
    url, file = mariadb_url(), tmp_path / "password"
    admin = Database(Settings(url=url), Path("unused"))
    name = f"shop_{os.urandom(4).hex()}"
    for statement in (f"CREATE USER {name} IDENTIFIED BY 'old'", f"GRANT ALL ON *.* TO {name}"):
        admin.change(text(statement))
    start, rest = url.split("://")
    shop = Settings(url=f"{start}://{name}@{rest.split('@')[1]}", password_file=str(file))
    database = Database(shop, Path("unused"))
    with pytest.raises(DatabaseUnavailableError, match="password_file"):
        database.rows(text("SELECT 1"))
    file.write_text("old\n")
    assert database.rows(text("SELECT 1")) == [(1,)]
    database.close()
    admin.change(text(f"SET PASSWORD FOR {name} = PASSWORD('new')"))
    with pytest.raises(DatabaseUnavailableError) as caught:
        database.rows(text("SELECT 1"))
    assert "old" not in str(caught.value)
    file.write_text("new\n")
    assert database.rows(text("SELECT 1")) == [(1,)]
    database.close()
    admin.close()


def test_sqlite_file_that_cannot_be_opened_is_unavailable_and_then_available(tmp_path: Path) -> None:
    folder = tmp_path / "perennial.db"
    folder.mkdir()
    database = Database(Settings(), folder)
    with pytest.raises(DatabaseUnavailableError):
        database.rows(text("SELECT 1"))
    folder.rmdir()
    assert database.rows(text("SELECT 1")) == [(1,)]
    database.close()


def test_sqlite_locked_for_longer_than_the_timeout_is_unavailable(sqlite: Database) -> None:
    file = Path(str(sqlite.engine.url.database))
    impatient = Database(Settings(), file, timeout_seconds=0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        impatient.change(update(state).values(open_export=2))
    assert time.monotonic() - began < 1.5
    assert impatient.rows(select(state.c.open_export)) == [(1,)]  # who reads does not wait for who writes
    other.execute("ROLLBACK")
    assert impatient.change(update(state).values(open_export=2)) == 1
    other.close()
    impatient.close()
