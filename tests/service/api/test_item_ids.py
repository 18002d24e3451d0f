"""Items whose ids are words of the API, or hold what means something in a URL: each is reached by a documented way."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from configs.service.limits import Limits
from configs.service.section import Batching
from documents.provenance import Provenance
from documents.push_record import PushRecord
from service.api.app import api_error
from service.api.direct import DirectRoute
from service.api.item_paths import EncodedItems
from service.api.metrics import Metrics
from service.api.middleware import Surroundings
from service.api.routes import reading_routes
from service.backends.backend import Backend
from service.ranking.ranker import Ranker
from service.ranking.search import open_search
from service.site import Site
from service.versions.asker import Asker
from service.versions.folder import ServingFolder
from service.versions.manager import Versions
from service.versions.served import Served
from tests.service.snapshots import make_snapshot

IDS = [
    "plain",
    "search",
    "popular",
    "latest",
    "similar",
    "graph",
    "embedding",
    "a/similar",
    "a/graph",
    "a/embedding",
    "a",
    "a/b",
    "/a",
    "a/",
    "/",
    ".",
    "..",
    "../..",
    "a%2Fsimilar",
    "%2F",
    "%",
    "what?",
    "?k=3",
    "#1",
    "a b+c&d=e",
    "ü\t€",
    "u\u0308",
]

NOT_IN_A_PATH = {"search", "popular", "latest", ".", ".."}
"""Routes of their own, or parts of a path that clients and proxies take out."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The routes of items over a real snapshot; no model is asked."""
    folder = tmp_path_factory.mktemp("ids")
    snapshot = make_snapshot(folder / "snapshot", IDS, embedding=np.eye(len(IDS)))
    ranker = Ranker(snapshot)
    nobody = cast(Backend, None)
    asker = Asker(nobody, ranker, Batching(), deadline_seconds=1, threads=ThreadPoolExecutor(1))
    versions = Versions(ServingFolder(str(folder), folder), cast(Any, None), poll_seconds=1, drain_seconds=1)
    versions.live = Served(1, nobody, snapshot, ranker, open_search(snapshot), asker, PushRecord(), Provenance(), None)
    service = SimpleNamespace(limits=Limits())
    config = SimpleNamespace(service=service)
    site = SimpleNamespace(config=config, recommender=None, versions=versions, kept_items=None)
    router = FastAPI(redirect_slashes=False).router
    router.route_class = DirectRoute
    reading_routes(router, cast(Site, site))
    return Surroundings(EncodedItems(router), Metrics(), 1 << 20, answer_to=lambda _, error: api_error(error))


def get(app: Any, url: str, **parameters: str) -> tuple[int, Any]:
    async def ask() -> tuple[int, Any]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            answer = await client.get(url, params=parameters or None)
            return answer.status_code, answer.json()

    return asyncio.run(ask())


@pytest.mark.parametrize("item", IDS)
def test_every_id_is_reached_by_a_parameter(app: Any, item: str) -> None:
    assert get(app, "/v1/item", item=item)[1]["item"]["item_id"] == item
    assert get(app, "/v1/item/embedding", item=item)[1]["item_id"] == item
    assert get(app, "/v1/item/graph", item=item, depth="1", breadth="2")[1]["nodes"][0]["item_id"] == item
    similar = get(app, "/v1/item/similar", item=item, k="500")[1]["items"]
    assert sorted(one["item_id"] for one in similar) == sorted(set(IDS) - {item})


@pytest.mark.parametrize("item", [item for item in IDS if item not in NOT_IN_A_PATH])
def test_id_in_a_path_is_reached_if_it_is_encoded(app: Any, item: str) -> None:
    path = f"/v1/items/{quote(item, safe='')}"
    assert get(app, path)[1]["item"]["item_id"] == item
    assert get(app, f"{path}/embedding")[1]["item_id"] == item
    assert get(app, f"{path}/graph?depth=1&breadth=2")[1]["nodes"][0]["item_id"] == item
    assert item not in {one["item_id"] for one in get(app, f"{path}/similar?k=500")[1]["items"]}


def test_id_that_is_not_utf_8_or_comes_twice_is_refused(app: Any) -> None:
    for url, field in (
        ("/v1/items/%FF", "item_id"),
        ("/v1/items/%C3/similar", "item_id"),
        ("/v1/item?item=a&item=b", "item"),
        ("/v1/items/a?item=b", "item"),
        ("/v1/item", "item"),
        ("/v1/items/a%00", "item"),
    ):
        status, answer = get(app, url)
        assert (status, answer["error"]["field"]) == (400, field), url
