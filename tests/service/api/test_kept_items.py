"""A service that shows titles and features of its database: put, changed, removed, and without the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.commands import cli
from service.api import answers
from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import HISTORIES, KINDS, VERSION, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs


@pytest.fixture(scope="module")
def place(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> ServedShop:
    place = ServedShop(tmp_path_factory.mktemp("kept"), exported(shop), database={"items": True})
    place.push(VERSION, shop_items(oracle), KINDS, HISTORIES)
    file = place.folder / "items.csv"
    file.write_text("item_id,title,genre,price\ni7,A New Tale,new,5\ni8,Another,,\n")
    assert cli.main(["items", "put", str(file), "--config", str(place.config)]) == 0
    return place


@pytest.fixture(scope="module")
def showing(place: ServedShop) -> Iterator[Service]:
    with place.running() as running:
        running.serves(VERSION)
        yield running


def test_answers_show_what_the_database_keeps_and_the_contract_holds(showing: Service) -> None:
    item = showing.get("/v1/items/i7")
    answers.ItemAnswer.model_validate(item)
    assert item["item"]["title"] == "A New Tale"
    assert item["item"]["features"] == {"genre": ["new"], "year": [1997.0], "price": ["5"]}
    found = showing.get("/v1/recommendations", items="i7", k=50)
    answers.Recommendations.model_validate(found)
    titles = {item["item_id"]: item["title"] for item in found["items"]}
    assert titles["i8"] == "Another"
    assert titles["i9"] == "The Tale of i9"
    assert {item["because"]["title"] for item in found["items"] if "because" in item} == {"A New Tale"}
    bare = showing.get("/v1/recommendations", items="i7", k=50, fields="because")
    assert not any("title" in item or "features" in item for item in bare["items"])
    ranked = showing.post("/v1/rank", {"items": ["i3"], "candidates": ["i7", "i9"], "fields": ["title"]})
    assert {item["item_id"]: item["title"] for item in ranked["items"]} == {"i7": "A New Tale", "i9": "The Tale of i9"}
    why = showing.get("/v1/why", items="i8", item="i7")
    answers.Why.model_validate(why)
    assert (why["item"]["title"], why["reasons"][0]["item"]["title"]) == ("A New Tale", "Another")
    graph = showing.get("/v1/items/i7/graph", depth=1, breadth=2)
    answers.GraphAnswer.model_validate(graph)
    assert graph["nodes"][0]["title"] == "A New Tale"


def test_answer_whose_titles_may_change_has_no_mark_of_the_version(showing: Service) -> None:
    answer = showing.client.get("/v1/items/i7")
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert showing.client.get("/v1/items/i7", headers={"If-None-Match": f'"{VERSION}"'}).status_code == 200


def test_filters_and_the_search_go_by_the_versions_own(showing: Service) -> None:
    passed = showing.get("/v1/recommendations", items="i3", filter="genre:g0", k=50)["items"]
    assert "i7" in {item["item_id"] for item in passed}
    (found,) = showing.get("/v1/items/search", q="tale of i7", k=1)["items"]
    assert (found["item_id"], found["title"]) == ("i7", "A New Tale")


def test_database_that_is_gone_leaves_the_versions_own(place: ServedShop) -> None:
    """The last test of the file: it breaks the database, of which a service that has just started has nothing yet."""
    with place.running() as started:
        started.serves(VERSION)
        Path(place.home, "service", "perennial.db").write_bytes(b"no database at all" * 500)
        assert started.get("/v1/items/i7")["item"]["title"] == "The Tale of i7"
        assert started.get("/v1/recommendations", items="i7", k=3)["items"][0]["title"].startswith("The Tale of")
        started.until("go on with the version's own titles and features")
