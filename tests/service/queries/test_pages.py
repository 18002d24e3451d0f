"""Pages of one list, whatever comes between them. The model is one whose answers never are the same to the last bit."""

import asyncio
import itertools
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
from service.events.recommendation_id import RecommendationIds
from service.events.shown import ShownCounts
from service.events.store import EventStore
from service.events.vocabulary import vocabulary
from service.queries.query import RecommendationQuery
from service.queries.recent import RecentEvents
from service.queries.recommender import Recommender
from service.queries.resolve import Weights
from service.ranking.ranker import Ranker
from service.versions.asker import Asker
from service.versions.folder import ServingFolder
from service.versions.manager import GoneError, Versions
from service.versions.served import Served
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
        versions.live = Served(VERSION, self.model, snapshot, ranker, asker, PushRecord(), Provenance(), None)
        ids = RecommendationIds(b"k" * 32)
        self.store = EventStore(database, ids)
        words = vocabulary(_plain_log(), _types())
        recent = RecentEvents(self.store, DatabaseThreads(1, 9.0), words, lambda: None)
        self.recommender = Recommender(
            versions, Weights(1, 1, 1), Limits(), recent, ids, ShownCounts(), lambda *_: None
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
