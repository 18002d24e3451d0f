"""Histories by user, and users who are forgotten."""

import sqlite3
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.snapshot.document import HISTORIES_FILE
from service.snapshot.histories import Histories, forget, write_histories
from tests.service.snapshots import Item, make_snapshot, write_version

USERS = ["A", "a", "é", "e\u0301", "e", "trailing ", "trailing", "", "u\x00v", "nobody-likes-me"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    histories = {user: [("i1", 1.0 + n, 100 + n), ("gone", 9.0, 150), ("i0", 0.5, 200)] for n, user in enumerate(USERS)}
    histories["empty"] = []
    version = write_version(tmp_path / "version", [Item("i0"), Item("i1")], {}, histories)
    snapshot = make_snapshot(tmp_path / "snapshot", ["i0", "i1"], version=version)
    assert snapshot.document.users == len(USERS) + 1
    return tmp_path / "snapshot" / HISTORIES_FILE


def test_history_of_each_user_is_found_by_the_bytes_of_the_id(file: Path) -> None:
    histories = Histories(file)
    for n, user in enumerate(USERS):
        history = histories.of(user)
        assert history is not None and history.times is not None
        assert history.places.tolist() == [1, 0]
        assert history.weights.tolist() == [1.0 + n, 0.5]
        assert history.times.tolist() == [100 + n, 200]


def test_history_without_items_is_empty_and_of_a_stranger_is_none(file: Path) -> None:
    histories = Histories(file)
    empty = histories.of("empty")
    assert empty is not None and empty.places.tolist() == []
    assert histories.of("stranger") is None
    assert histories.of("E") is None
    assert histories.of("\ud800") is None


def test_history_of_a_log_without_times_has_none(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", [Item("i0")], {}, {"u": [("i0", 2.0, 0)]}, is_timed=False)
    history = make_snapshot(tmp_path / "snapshot", ["i0"], version=version).history_of("u")
    assert history is not None and history.times is None


def test_history_in_a_version_without_histories_is_none(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", [Item("i0")], {})
    snapshot = make_snapshot(tmp_path / "snapshot", ["i0"], version=version)
    assert snapshot.document.users is None
    assert snapshot.history_of("u") is None


def test_forgotten_user_leaves_no_byte_and_open_readers_see_it_at_once(file: Path) -> None:
    histories = Histories(file)
    assert histories.of("nobody-likes-me") is not None
    assert b"nobody-likes-me" in file.read_bytes()
    forget(file, ["nobody-likes-me", "stranger", "A"])
    assert b"nobody-likes-me" not in file.read_bytes()
    assert histories.of("nobody-likes-me") is None
    assert histories.of("A") is None
    kept = histories.of("a")
    assert kept is not None and kept.places.tolist() == [1, 0]
    assert [path.name for path in file.parent.iterdir() if path.name.startswith((".", f"{HISTORIES_FILE}-"))] == []


def test_histories_read_by_threads_while_users_are_forgotten_are_whole(file: Path) -> None:
    histories, wrong = Histories(file), []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            history = histories.of("é")
            if history is None or history.places.tolist() != [1, 0]:
                wrong.append(history)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for user in ["A", "a", "e", "trailing"]:
        forget(file, [user])
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_user_who_comes_twice_is_refused(tmp_path: Path) -> None:
    table = {"user_id": ["u", "u"], "item_id": [["i0"], ["i0"]], "weight": [[1.0], [1.0]]}
    pq.write_table(pa.table(table), tmp_path / "histories.parquet")
    with pytest.raises(sqlite3.IntegrityError):
        write_histories(tmp_path / "histories.sqlite", tmp_path / "histories.parquet", ["i0"])


def test_users_come_in_parts_by_the_bytes_of_their_ids(file: Path) -> None:
    histories = Histories(file)
    everybody = sorted([*USERS, "empty"], key=str.encode)
    assert histories.users(0, 100) == everybody
    assert [user for start in range(0, 100, 2) for user in histories.users(start, 2)] == everybody
