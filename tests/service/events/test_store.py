"""Events are stored once each, and read as what a version does not know yet."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from service.database.database import Database
from service.database.tables import events
from service.events.event import Event, StoredEvent
from service.events.export import export
from service.events.forgetting import forget, remember
from service.events.recommendation_id import RecommendationIds
from service.events.store import Added, EventStore
from tests.service.events.samples import newest, shop_words, token, view

IDS = RecommendationIds(bytes(32))


def stored(database: Database) -> list[Any]:
    return list(database.rows(select(events).order_by(events.c.sequence)))


def test_added_event_is_stored_with_everything(database: Database) -> None:
    store = EventStore(database, IDS, now=lambda: 1_796_000_000_123_456)
    seen = token(IDS, 42, ["other", "Ì "])
    event = Event("rating", "Ü ", "Ì ", 5, "E", 0.1, seen)
    assert store.add([[event, view("u", "i")]]) == [Added(stored=2)]
    first, second = stored(database)
    assert first[1:] == ("E", "rating", "Ü ", "Ì ", 5, 0.1, seen, 42, 1, 1)
    assert second[2:] == ("view", "u", "i", 1_796_000_000_123_456, None, None, None, None, 1)
    assert newest(store, "Ü ") == [StoredEvent("rating", "Ì ", 5, 0.1)]


def test_event_with_an_id_that_is_there_is_a_duplicate_and_the_first_one_stays(database: Database) -> None:
    store = EventStore(database)
    assert store.add([[view("u", "first", 1, event_id="E")]]) == [Added(stored=1)]
    again = [view("u", "second", 1, event_id="E"), view("u", "i", 1, event_id="e"), view("u", "j", 1, event_id="e")]
    assert store.add([again, [view("v", "k", 1, event_id="e")]]) == [Added(stored=1, duplicates=2), Added(duplicates=1)]
    assert [(row.event_id, row.user_id, row.item_id) for row in stored(database)] == [
        ("E", "u", "first"),
        ("e", "u", "i"),
    ]


def test_many_events_at_once_are_stored_in_their_order(database: Database) -> None:
    groups = [[view(f"u{group}", f"i{place}", 1) for place in range(700)] for group in range(3)]
    assert EventStore(database).add(groups) == [Added(stored=700)] * 3
    assert EventStore(database).add(groups) == [Added(duplicates=700)] * 3
    found = [(row.user_id, row.item_id) for row in stored(database)]
    assert found == [(event.user, event.item) for group in groups for event in group]


def test_processes_that_add_the_same_events_in_another_order_store_them_once(patient: Database) -> None:
    together, everything = (
        threading.Barrier(2),
        [view("u", "i", time, event_id=f"{time:04}") for time in range(1, 1500)],
    )

    def add(order: int) -> tuple[int, int]:
        store = EventStore(patient)
        together.wait()
        added = [store.add([everything[start : start + 300][::order]])[0] for start in range(0, 1500, 300)]
        return sum(each.stored for each in added), sum(each.duplicates for each in added)

    with ThreadPoolExecutor(2) as threads:
        stored, duplicates = (sum(counts) for counts in zip(*threads.map(add, (1, -1)), strict=True))
    assert (stored, duplicates) == (1499, 1499)
    assert patient.rows(select(func.count()).select_from(events)) == [(1499,)]


def test_recommendation_id_that_is_not_ours_is_left_out_and_counted(database: Database) -> None:
    store = EventStore(database, IDS)
    foreign = RecommendationIds(b"x" * 32).encode(42, 1, ["i"])
    added = store.add([[view("u", "i", 1, recommendation_id=foreign), view("u", "i", 2, recommendation_id="none")]])
    assert added == [Added(stored=2, unattributed=2)]
    assert {(row.recommendation_id, row.version, row.position) for row in stored(database)} == {(None, None, None)}


def test_item_that_was_not_in_the_answer_has_a_version_and_no_position(database: Database) -> None:
    seen = IDS.encode(42, 1, [])
    EventStore(database, IDS).add([[view("u", "i", 1, recommendation_id=seen)]])
    assert [(row.recommendation_id, row.version, row.position) for row in stored(database)] == [(seen, 42, None)]


def test_newest_is_what_was_not_exported_with_the_version_whatever_the_clocks_say(
    database: Database, tmp_path: Path
) -> None:
    store = EventStore(database)
    store.add([[view("u", "late", 9_000), view("u", "known", 10), view("U", "other's", 10)]])
    assert export(database, shop_words(), tmp_path).number == 1
    # It happened before what the version knows, by its clock, and the version does not know it.
    store.add([[view("u", "early", 5)]])
    assert export(database, shop_words(), tmp_path).number == 2
    store.add([[view("u", "newest", 8)]])
    found = {after: [event.item for event in newest(store, "u", after) or []] for after in (None, 1, 2)}
    assert found == {
        None: ["early", "newest", "known", "late"],
        1: ["early", "newest"],
        2: ["newest"],
    }
    assert [event.item for event in newest(store, "u", limit=2) or []] == ["known", "late"]
    assert newest(store, "nobody") == newest(store, "u ") == []


def test_version_that_knows_exports_of_a_lost_database_knows_none_of_this_ones(
    database: Database, tmp_path: Path
) -> None:
    store = EventStore(database)
    store.add([[view("u", "old", 1)]])
    export(database, shop_words(), tmp_path)
    store.add([[view("u", "new", 2)]])
    found = {after: [event.item for event in newest(store, "u", after) or []] for after in (1, 2, 7)}
    assert found == {1: ["new"], 2: ["old", "new"], 7: ["old", "new"]}  # 2 is still open here


def test_events_at_one_time_keep_the_order_of_arrival(database: Database) -> None:
    store = EventStore(database, now=lambda: 7)
    for item in "cab":
        store.add([[view("u", item)]])
    assert [event.item for event in newest(store, "u") or []] == ["c", "a", "b"]


def test_events_of_a_forgotten_user_are_dropped_until_the_user_is_remembered(
    database: Database, tmp_path: Path
) -> None:
    store = EventStore(database)
    store.add([[view("u", "i", 1), view("v", "i", 1)]])
    assert forget(database, shop_words(), tmp_path, "u").events == 1
    both = [view("u", "i", 2), view("U", "i", 2), view("v", "i", 2)]
    assert store.add([both]) == [Added(stored=2, forgotten=1)]
    assert [row.user_id for row in stored(database)] == ["v", "U", "v"]
    assert remember(database, tmp_path, "u")
    assert not remember(database, tmp_path, "u")
    assert store.add([both]) == [Added(stored=1, duplicates=2)]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE perennial_events; --", "%", "\\", "\\'", '"', "\n", "NULL", "\U0010ffff"]
)
def test_ids_with_any_characters_come_back_as_they_were(database: Database, text: str) -> None:
    store = EventStore(database)
    store.add([[Event("view", text, text, 1, text)]])
    assert newest(store, text) == [StoredEvent("view", text, 1, None)]


def test_newest_of_a_forgotten_user_says_so(database: Database, tmp_path: Path) -> None:
    store = EventStore(database)
    store.add([[view("Ü ", "i", 1), view("Ü", "i", 1)]])
    forget(database, shop_words(), tmp_path, "Ü ")
    assert newest(store, "Ü ") is None
    assert newest(store, "Ü ", 1) is None
    assert [event.item for event in newest(store, "Ü") or []] == ["i"]
    assert remember(database, tmp_path, "Ü ")
    assert newest(store, "Ü ") == []


def test_newest_of_many_users_is_what_each_of_them_has_alone(database: Database, tmp_path: Path) -> None:
    store = EventStore(database)
    users = [f"u{number}" for number in range(21)]
    for round_ in range(3):
        made = [view(user, f"{round_} {place}", 9 - place) for user in users[1:] for place in range(int(user[1:]) % 7)]
        store.add([made])
        export(database, shop_words(), tmp_path)
    forget(database, shop_words(), tmp_path, "u6")
    asked = [(user, after) for user in [*users, "U1", "u1"] for after in (2, None, 0, 1)]
    found = store.newest(asked, 4)
    for (user, after), events_found in zip(asked, found, strict=True):
        number = int(user[1:]) if user in users else 0
        rounds = range(after or 0, 3)
        # By time, and within one time by arrival; the last four.
        everything = [f"{each} {place}" for place in reversed(range(number % 7)) for each in rounds]
        wanted = None if user == "u6" else everything[-4:]
        assert (None if events_found is None else [event.item for event in events_found]) == wanted


def test_user_whom_no_database_can_hold_has_no_events_and_spoils_nobody_elses(database: Database) -> None:
    store = EventStore(database)
    store.add([[view("u", "i", 1)]])
    found = store.newest([("u", None), ("nul\0", None), ("\u00e9" * 512, None), ("u", 0)], 10)
    assert found == [[StoredEvent("view", "i", 1, None)], [], [], [StoredEvent("view", "i", 1, None)]]
