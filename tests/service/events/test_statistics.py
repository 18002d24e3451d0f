"""Clicks and purchases by version and position, and how often each was shown."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from configs.service.events import Database as Settings
from documents.event_statistics import EventStatistics, PositionCounts
from service.database.database import Database
from service.database.errors import DatabaseUnavailableError
from service.database.tables import shown
from service.events.event import Event
from service.events.recommendation_id import RecommendationIds
from service.events.shown import ShownCounts
from service.events.statistics import PositionStatistics, statistics, write_statistics
from service.events.store import EventStore
from tests.service.events.samples import token, view

IDS = RecommendationIds(bytes(32))


def rows(database: Database) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in database.rows(select(shown).order_by(shown.c.version, shown.c.position))]


def test_shown_counts_of_several_processes_add_up(database: Database) -> None:
    first, second = ShownCounts(), ShownCounts()
    first.count(7, num_items=3)
    first.count(7, num_items=1)
    first.count(8, num_items=2, first=1)
    second.count(7, num_items=2)
    for counts in (first, second, first):
        counts.flush(database)
    assert rows(database) == [(7, 0, 3), (7, 1, 2), (7, 2, 1), (8, 1, 1), (8, 2, 1)]
    first.count(7, num_items=1)
    first.flush(database)
    assert rows(database)[0] == (7, 0, 4)


def test_shown_counts_what_a_recommendation_id_can_tell(sqlite: Database) -> None:
    counts = ShownCounts()
    counts.count(1, num_items=500)
    counts.count(2, num_items=3, first=998)
    counts.count(3, num_items=3, first=10**6)
    counts.count(4, num_items=0)
    counts.flush(sqlite)
    assert rows(sqlite) == [*((1, position, 1) for position in range(50)), (2, 998, 1), (2, 999, 1)]


def test_shown_counts_that_could_not_be_flushed_are_kept(sqlite: Database) -> None:
    file = Path(str(sqlite.engine.url.database))
    impatient, counts = Database(Settings(), file, timeout_seconds=0.05), ShownCounts()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    counts.count(7, 2)
    with pytest.raises(DatabaseUnavailableError):
        counts.flush(impatient)
    counts.count(7, 1)
    with pytest.raises(DatabaseUnavailableError):
        counts.flush(impatient)
    other.execute("ROLLBACK")
    counts.flush(impatient)
    assert rows(sqlite) == [(7, 0, 2), (7, 1, 1)]
    impatient.close()


def test_shown_counts_from_many_threads_lose_nothing(sqlite: Database) -> None:
    counts = ShownCounts()

    def count(_: int) -> None:
        for _ in range(1000):
            counts.count(7, 10)

    with ThreadPoolExecutor(4) as threads:
        counting = [threads.submit(count, number) for number in range(4)]
        while not all(each.done() for each in counting):
            counts.flush(sqlite)
    counts.flush(sqlite)
    assert rows(sqlite) == [(7, position, 4000) for position in range(10)]


def test_statistics_count_an_answer_once_however_often_its_item_is_clicked(database: Database) -> None:
    store, counts = EventStore(database, IDS), ShownCounts()
    answers = [token(IDS, 7, ["a", "b"]) for _ in range(3)]
    other = token(IDS, 8, ["b"])
    for version, num_items in ((7, 2), (7, 2), (7, 2), (8, 1)):
        counts.count(version, num_items)
    counts.flush(database)
    happened = [
        *[("view", "a", answers[0])] * 3,
        ("view", "a", answers[1]),
        ("purchase", "a", answers[0]),
        ("view", "b", answers[2]),
        ("basket", "b", other),
        ("purchase", "never shown", answers[0]),
        ("purchase", "a", None),
    ]
    events = [
        Event(kind, f"u{place}", item, place, recommendation_id=seen)  # type: ignore[arg-type]
        for place, (kind, item, seen) in enumerate(happened)
    ]
    store.add([events])
    assert statistics(database) == [
        PositionStatistics(7, 0, 3, {"view": 2, "purchase": 1}),
        PositionStatistics(7, 1, 3, {"view": 1}),
        PositionStatistics(8, 0, 1, {"basket": 1}),
    ]


def test_statistics_of_clicks_before_the_first_flush_have_shown_nothing(sqlite: Database) -> None:
    assert statistics(sqlite) == []
    EventStore(sqlite, IDS).add([[view("u", "a", 1, recommendation_id=token(IDS, 7, ["a"]))]])
    assert statistics(sqlite) == [PositionStatistics(7, 0, 0, {"view": 1})]


def test_document_has_the_newest_versions_and_changes_only_with_what_it_says(sqlite: Database, tmp_path: Path) -> None:
    counts = ShownCounts()
    for version in range(12):
        counts.count(version, 1)
    counts.flush(sqlite)
    EventStore(sqlite, IDS).add([[view("u", "a", 1, recommendation_id=token(IDS, 11, ["a"]))]])
    write_statistics(sqlite, tmp_path)
    written = EventStatistics.read(tmp_path)
    assert [one.version for one in written.positions] == [*range(2, 12)]
    assert written.positions[-1] == PositionCounts(version=11, position=0, shown=1, view=1)
    before = (tmp_path / EventStatistics.FILE).stat().st_mtime_ns
    write_statistics(sqlite, tmp_path)
    assert (tmp_path / EventStatistics.FILE).stat().st_mtime_ns == before
    (tmp_path / EventStatistics.FILE).write_text("{")
    write_statistics(sqlite, tmp_path)
    assert EventStatistics.read(tmp_path) == written
