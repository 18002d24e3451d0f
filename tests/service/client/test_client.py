"""Every method of the client against the running service."""

import subprocess
import sys
from datetime import datetime, timezone

import pytest

from service.client import Client, Event, RefusedError
from tests.service.served_shop import Service
from tests.service.small_shop import HISTORIES, VERSION

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(service: Service) -> Client:
    return Client(service.url, deadline_seconds=60)


def ids(answer: object) -> list[str]:
    return [item.item_id for item in answer.items]  # type: ignore[attr-defined]


def test_recommend_is_what_the_url_gives(client: Client, service: Service) -> None:
    answer = client.recommend(items=["i3", "i5", "gone"], k=4, exclude=["i7"], filter="year>=1992", fields=["title"])
    url = service.get("/v1/recommendations", items="i3|i5|gone", k=4, exclude="i7", filter="year>=1992", fields="title")
    assert ids(answer) == [item["item_id"] for item in url["items"]]
    assert (answer.version, answer.basis, answer.unknown_items) == (VERSION, ["items"], ["gone"])
    assert answer.items[0].title == f"The Tale of {answer.items[0].item_id}"
    assert answer.items[0].features is None
    following = client.recommend(
        items=["i3", "i5", "gone"], k=4, exclude=["i7"], filter="year>=1992", fields=["title"], cursor=answer.next
    )
    assert not set(ids(answer)) & set(ids(following))


def test_recommend_takes_every_argument(client: Client) -> None:
    answer = client.recommend(
        user="u0-0",
        browsed=["i4"],
        basket=["i5"],
        purchased=["i6"],
        dislike=["i7"],
        boost=["2*genre:g1", {"factor": 0.5, "filter": {"feature": "genre", "any": ["g0"]}}],
        filter={"feature": "genre", "any": ["g0", "g1"]},
        diversity=0.5,
        max_per="genre:2",
    )
    assert len(answer.items) == 4
    assert {"user", "history", "items"} <= set(answer.basis)


def test_rank_and_why_agree(client: Client) -> None:
    ranked = client.rank(["i9", "nowhere", "i4"], items=["i3"])
    assert sorted(ids(ranked)) == ["i4", "i9"]
    assert ranked.unknown_items == ["nowhere"]
    explained = client.why("i9", items=["i3"])
    score = {item.item_id: item.score for item in ranked.items}["i9"]
    assert explained.item.score == pytest.approx(score, abs=1e-5)
    assert [reason.item and reason.item.item_id for reason in explained.reasons] == ["i3"]


def test_why_takes_ids_that_a_url_would_split(client: Client) -> None:
    assert client.why("i9", items=["i3", "a,b", "c|d"]).unknown_items == ["a,b", "c|d"]


def test_items_have_all_that_is_known(client: Client) -> None:
    item = client.item("ü\t€")
    assert item.item_id == "ü\t€"
    near = client.similar("i7", k=3, filter="genre:g0")
    assert len(near.items) == 3
    assert near.passed == 8
    assert ids(client.similar("i7", k=2, offset=1, filter="genre:g0")) == ids(near)[1:]
    graph = client.graph("i7", depth=1, breadth=3)
    assert [node.depth for node in graph.nodes] == [0, 1, 1, 1]
    assert sum(number * number for number in client.embedding("i7")) == pytest.approx(1)
    assert client.search("tael i7", k=1).items[0].item_id == "i7"
    assert ids(client.latest(k=2)) == ["i23", "i22"]
    assert ids(client.popular(k=2)) + ids(client.popular(k=2, offset=2)) == ids(client.popular(k=4))


def test_item_that_is_not_there_is_refused_with_the_services_words(client: Client) -> None:
    with pytest.raises(RefusedError, match="the catalogue of this version does not have the item") as caught:
        client.item("a/b?c#d")
    assert caught.value.status == 404


def test_model_is_the_live_one(client: Client) -> None:
    live = client.model().live
    assert live is not None
    assert (live.version, live.users_with_history) == (VERSION, len(HISTORIES))


def test_events_are_stored_once(client: Client) -> None:
    shown = client.recommend(user="someone", k=1)
    events = [
        Event("view", "someone", "i3", recommendation_id=shown.recommendation_id),
        Event("purchase", "someone", "i3", time=datetime(2026, 1, 2, tzinfo=timezone.utc)),
    ]
    first = client.send_events(events)
    assert (first.stored, first.duplicates, first.unattributed) == (2, 0, 0)
    assert client.send_events(events, at_once=1).duplicates == 2
    assert "events" in client.recommend(user="someone").basis


def test_event_whose_time_has_no_zone_is_refused_here() -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        Event("view", "u", "i", time=datetime(2026, 1, 2))


def test_client_imports_no_server_and_no_tensorflow() -> None:
    heavy = {"fastapi", "starlette", "sqlalchemy", "grpc", "numpy", "pyarrow", "tensorflow"}
    asking = "import sys, service.client; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())
