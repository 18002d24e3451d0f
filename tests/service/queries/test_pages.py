"""Pages of one list, whatever comes between them. The model is one whose answers never are the same to the last bit."""

import asyncio
import base64
import itertools
import struct
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import QueryError
from configs.service.limits import Limits
from configs.service.section import Batching
from documents.provenance import Provenance
from documents.push_record import PushRecord
from service.backends.backend import BackendUnavailableError, Tensor
from service.database.database import Database
from service.database.threads import DatabaseThreads
from service.events.event import MICROSECONDS, Event
from service.events.forgetting import forget
from service.events.recommendation_id import RecommendationIds
from service.events.shown import ShownCounts
from service.events.store import EventStore
from service.queries.cursor import digest
from service.queries.query import RecommendationQuery
from service.queries.recent import RecentEvents
from service.queries.recommender import Recommender
from service.queries.resolve import Weights
from service.ranking.ranker import Ranker
from service.ranking.search import open_search
from service.versions.asker import Asker
from service.versions.folder import ServingFolder
from service.versions.manager import GoneError, Versions
from service.versions.served import Served
from tests.service.events.samples import plain_words
from tests.service.snapshots import make_snapshot

ITEMS, DIM, VERSION = 300, 8, 7


class Wavering:
    """Stands for a model whose matrix products differ in their last bits from one batch size to the next."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_down = False
        self._random = np.random.default_rng(0)

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        if self.is_down:
            raise BackendUnavailableError("it is down")
        self.calls += 1
        n = len(inputs["user_id"])
        vectors = np.zeros((n, DIM))
        vectors[:, 0] = 1
        vectors += self._random.normal(0, 1e-6, vectors.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return {"embedding": vectors.astype(np.float32), "known_user": np.ones(n, bool)}

    async def close(self) -> None:
        pass


class World:
    """A recommender of items that are almost alike, so that the last bits decide."""

    def __init__(self, folder: Path, database: Database) -> None:
        random = np.random.default_rng(1)
        embedding = np.zeros((ITEMS, DIM))
        embedding[:, 0] = 1
        embedding += random.normal(0, 1e-2, embedding.shape)
        embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
        self.model = Wavering()
        snapshot = make_snapshot(folder / "snapshot", [f"i{n}" for n in range(ITEMS)], embedding=embedding)
        ranker = Ranker(snapshot)
        threads = ThreadPoolExecutor(1)
        asker = Asker(self.model, ranker, Batching(max_rows=4), deadline_seconds=9, threads=threads)
        versions = Versions(ServingFolder(str(folder), folder), _never, poll_seconds=9, drain_seconds=9)
        versions.live = Served(
            VERSION, self.model, snapshot, ranker, open_search(snapshot), asker, PushRecord(), Provenance(), None
        )
        ids = RecommendationIds(b"k" * 32)
        self.store = EventStore(database, ids)
        recent = RecentEvents(self.store, DatabaseThreads(1, 9.0), plain_words(), Batching(), lambda: None)
        self.recommender = Recommender(
            versions, Weights(1, 1, 1), Limits(), recent, None, ids, ShownCounts(), lambda *_: None
        )

    def ask(self, **query: Any) -> dict[str, Any]:
        return asyncio.run(self.recommender.recommend(RecommendationQuery(**query)))

    def happens(self, user: str, item: str, seconds_ago: float = 0) -> None:
        self.store.add([[Event("view", user, item, int((time.time() - seconds_ago) * MICROSECONDS))]])

    def pages(self, between: Callable[[int], None] = lambda _: None, **query: Any) -> list[str]:
        """All items, page by page."""
        found: list[str] = []
        cursor = None
        for n in itertools.count():
            answer = self.ask(cursor=cursor, **query)
            found += [item["item_id"] for item in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                return found
            between(n)
        raise AssertionError


async def _never(_: int) -> Served:
    raise AssertionError("nothing is loaded here")


@pytest.fixture
def world(tmp_path: Path, sqlite: Database) -> World:
    return World(tmp_path / "world", sqlite)


def test_lists_of_the_same_query_differ_so_that_the_tests_below_can_fail(world: World) -> None:
    lists = {tuple(item["item_id"] for item in world.ask(items=["i7"], k=ITEMS - 1)["items"]) for _ in range(5)}
    assert len(lists) > 1


@pytest.mark.parametrize("shape", [{}, {"diversity": 0.3}, {"dislike": ["i9"]}])
def test_pages_never_overlap_and_lose_nothing(world: World, shape: dict[str, Any]) -> None:
    left_out = {"i7", *shape.get("dislike", ())}
    pages = world.pages(items=["i7"], k=7, **shape)
    assert len(pages) == len(set(pages)) == ITEMS - len(left_out)
    assert not left_out & set(pages)


def test_pages_ask_the_model_once_and_need_it_no_more(world: World) -> None:
    def ends(_: int) -> None:
        world.model.is_down = True

    assert len(set(world.pages(ends, items=["i7"], k=50))) == ITEMS - 1
    assert world.model.calls == 1


def test_pages_do_not_see_what_the_user_does_meanwhile_not_even_what_comes_late(world: World) -> None:
    world.happens("u", "i3", seconds_ago=50)

    def goes_on(n: int) -> None:
        world.happens("u", f"i{100 + n}")
        world.happens("u", f"i{200 + n}", seconds_ago=100 + n)  # happened before the first page, and arrives now

    pages = world.pages(goes_on, user="u", k=40)
    assert len(pages) == len(set(pages)) == ITEMS - 1  # what was met before is left out


def test_pages_go_on_the_same_while_the_database_is_down(world: World, sqlite: Database, tmp_path: Path) -> None:
    world.happens("u", "i3")
    answers = [world.ask(user="u", items=["i7"], k=5)]
    sqlite.close()
    (tmp_path / "service").rename(tmp_path / "away")
    answers.append(world.ask(user="u", items=["i7"], k=5, cursor=answers[0]["next"]))
    assert [answer["basis"] for answer in answers] == [["user", "events", "items"]] * 2


def test_cursor_of_a_user_who_was_forgotten_is_gone(world: World, sqlite: Database, tmp_path: Path) -> None:
    world.happens("u", "i3")
    cursor = world.ask(user="u", k=5)["next"]
    (tmp_path / "events").mkdir()
    forget(sqlite, plain_words(), tmp_path / "events", "u")
    with pytest.raises(GoneError):
        world.ask(user="u", k=5, cursor=cursor)


def forged(version: int = VERSION, offset: int = 5, events: bytes = b"", vector: Any = None, known: int = 0) -> str:
    """A cursor made by hand: version, offset, digest, known, numbers of events and of the vector's numbers."""
    vector = np.eye(1, DIM) if vector is None else np.asarray(vector)
    head = struct.pack("<QI8sBBH", version, offset, digest(QUERY), known, len(events) // 8, vector.size)
    return base64.urlsafe_b64encode(head + events + vector.astype("<f4").tobytes()).rstrip(b"=").decode()


QUERY = RecommendationQuery(items=("i7",), k=5)


def test_cursor_by_hand_passes_so_that_the_forgeries_below_fail_for_their_own_reason(world: World) -> None:
    assert len(world.ask(items=["i7"], k=5, cursor=forged(events=struct.pack("<If", 3, 0.5)))["items"]) == 5
    assert len(world.ask(items=["i7"], k=5, cursor=forged(vector=np.zeros(DIM)))["items"]) == 5
    assert world.ask(items=["i7"], k=5, cursor=forged(offset=1_000_000))["items"] == []


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "A",
        "====",
        "!!!!",
        "ä",
        "A" * 24_576,
        forged()[:-2],
        forged() + "AAAA",
        forged(offset=1_000_001),
        forged(offset=2**32 - 1),
        forged(known=2),
        forged(vector=np.full(DIM, np.nan)),
        forged(vector=np.full(DIM, np.inf)),
        forged(vector=np.full(DIM, 3e38)),
        forged(vector=np.eye(1, DIM) * 1.1),
        forged(vector=np.eye(1, DIM) * 1e-30),
        forged(vector=np.eye(1, DIM - 1)),
        forged(vector=np.eye(1, DIM + 1)),
        forged(vector=np.zeros(0)),
        forged(events=struct.pack("<If", ITEMS, 1)),
        forged(events=struct.pack("<If", 2**32 - 1, 1)),
        forged(events=struct.pack("<If", 1, np.nan)),
        forged(events=struct.pack("<If", 1, np.inf)),
        forged(events=struct.pack("<If", 1, -1)),
        forged(events=struct.pack("<If", 1, 1) * 101),
    ],
)
def test_cursor_that_was_made_up_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(QueryError, match=r"^cursor: "):
        world.ask(items=["i7"], k=5, cursor=cursor)


def test_cursor_of_another_version_or_query_is_refused(world: World) -> None:
    with pytest.raises(GoneError):
        world.ask(items=["i7"], k=5, cursor=forged(version=VERSION + 1))
    with pytest.raises(QueryError, match="another query"):
        world.ask(items=["i8"], k=5, cursor=forged())
