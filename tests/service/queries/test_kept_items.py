"""Titles and features of the database in answers of all shapes, and answers without them while it is down."""

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest

from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.items import ItemMetadata, ItemStore
from service.database.threads import DatabaseThreads
from service.queries.kept_items import KeptItems

SHARED = {"genre": ["g"], "year": [1990.0]}

LIST: dict[str, Any] = {
    "items": [
        {"item_id": "a", "title": "A", "features": SHARED, "because": {"item_id": "b", "title": "B", "cosine": 1.0}},
        {"item_id": "c", "title": "C", "features": SHARED},
    ]
}


async def put(database: Database, *answers: tuple[dict[str, Any], Any], failures: list[int]) -> list[dict[str, Any]]:
    threads = DatabaseThreads(2, 30)
    kept = KeptItems(ItemStore(database), threads, lambda: failures.append(1))
    found = [await kept.put_into(copy.deepcopy(answer), fields) for answer, fields in answers]
    threads.close()
    return found


@pytest.fixture
def kept(database: Database) -> Database:
    ItemStore(database).put(
        [("a", ItemMetadata("New A", {"year": [2000], "price": [5]})), ("b", ItemMetadata("B!", {}))]
    )
    return database


def test_answers_show_what_is_kept_and_only_the_fields_that_are_asked_for(kept: Database) -> None:
    failures = list[int]()
    bare = {"items": [{"item_id": "a", "score": 1.0}]}
    graph = {"nodes": [{"item_id": "a", "title": "A"}], "edges": [{"source": "a", "target": "b"}]}
    why = {
        "item": {"item_id": "a", "title": "A"},
        "reasons": [{"user": True}, {"item": {"item_id": "b", "title": "B"}}],
    }
    empty: dict[str, Any] = {"items": []}
    found = asyncio.run(
        put(
            kept, (LIST, None), (bare, ("because",)), (graph, None), (why, ("title",)), (empty, None), failures=failures
        )
    )
    features = {"genre": ["g"], "year": [2000], "price": [5]}
    first = {"item_id": "a", "title": "New A", "features": features}
    assert found[0]["items"] == [
        {**first, "because": {"item_id": "b", "title": "B!", "cosine": 1.0}},
        LIST["items"][1],
    ]
    assert found[1] == bare
    assert found[2]["nodes"] == [{"item_id": "a", "title": "New A", "features": {"year": [2000], "price": [5]}}]
    assert found[3]["item"] == {"item_id": "a", "title": "New A"}
    assert found[3]["reasons"] == [{"user": True}, {"item": {"item_id": "b", "title": "B!"}}]
    assert found[4] == empty
    assert SHARED == {"genre": ["g"], "year": [1990.0]}
    assert not failures


def test_database_that_is_down_leaves_answers_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database, failures = Database(Settings(), tmp_path / "missing" / "p.db"), list[int]()
    found = asyncio.run(put(database, (LIST, None), (LIST, ("title",)), failures=failures))
    assert found == [LIST, LIST]
    assert len(failures) == 2
    assert caplog.text.count("go on with the version's own titles") == 1
