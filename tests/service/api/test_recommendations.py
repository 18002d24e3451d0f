"""What `/v1/recommendations`, `/v1/rank` and `/v1/why` answer, against the model as loops and dictionaries."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from service.api import answers
from tests.service.served_shop import WEIGHTS, Service
from tests.service.small_shop import HISTORIES, VERSION
from tests.serving_signatures.oracle import Oracle

LIKED = ["i3", "i5", "i1"]


def wanted(
    oracle: Oracle,
    history: Sequence[tuple[str, float]],
    k: int,
    left_out: Sequence[str] | None = None,
    user: str = "",
) -> list[str]:
    query = oracle.user(user.encode(), [item.encode() for item, _ in history], [weight for _, weight in history])
    out = [item for item, _ in history] if left_out is None else left_out
    return [item.decode() for item in oracle.ranking(query, [item.encode() for item in out], k)[0]]


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


@pytest.mark.parametrize("items", ["i3|i5|i1", "i3,i5,i1", ["i3", "i5|i1"], LIKED])
def test_items_in_every_spelling_best_first_with_titles_and_reasons(
    service: Service, oracle: Oracle, items: str | list[str]
) -> None:
    answer = service.get("/v1/recommendations", items=items, k=3)
    assert ids(answer) == wanted(oracle, [(item, 1.0) for item in LIKED], 3)
    assert answer["version"] == VERSION
    assert answer["basis"] == ["items"]
    first = answer["items"][0]
    assert first["title"] == f"The Tale of {first['item_id']}"
    vector = oracle.items[first["item_id"].encode()]
    cosines = {item: float(oracle.items[item.encode()] @ vector) for item in LIKED}
    nearest = max(LIKED, key=lambda item: cosines[item])
    assert first["because"]["item_id"] == nearest
    assert first["because"]["cosine"] == pytest.approx(cosines[nearest], abs=1e-5)
    answers.Recommendations.model_validate(answer)


def test_user_known_by_the_version_gets_the_history_without_what_was_met(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", user="u0-0", k=5)
    history = [(item, weight) for item, weight, _ in HISTORIES["u0-0"]]
    assert ids(answer) == wanted(oracle, history, 5, user="u0-0")
    assert answer["basis"] == ["user", "history"]


def test_user_unknown_to_the_model_is_known_by_history(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", user="late", k=5)
    assert ids(answer) == wanted(oracle, [("i16", 0.5)], 5)
    assert answer["basis"] == ["history"]


def test_nobody_gets_popularity_and_is_told_so(service: Service, oracle: Oracle) -> None:
    popular = wanted(oracle, [], 4)
    for parameters in ({}, {"user": "who?"}, {"items": "none,such"}):
        answer = service.get("/v1/recommendations", k=4, **parameters)
        assert ids(answer) == popular
        assert answer["basis"] == ["popularity"]
    assert answer["unknown_items"] == ["none", "such"]


def test_browsed_basket_and_purchased_weigh_as_the_logs_events(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", browsed="i1,i20", basket="i9", purchased="i4", k=6)
    history = [("i1", "view"), ("i20", "view"), ("i9", "basket"), ("i4", "purchase")]
    assert ids(answer) == wanted(oracle, [(item, WEIGHTS[event]) for item, event in history], 6)


def test_user_and_items_and_exclusions_together(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", user="u1-0", items="i3", exclude="i10,i11", k=6)
    out = ["i8", "i3", "i10", "i11"]
    assert ids(answer) == wanted(oracle, [("i8", 2.0), ("i3", 1.0)], 6, out, user="u1-0")
    assert answer["basis"] == ["user", "history", "items"]


def test_item_twice_has_its_last_place_and_largest_weight(service: Service) -> None:
    once = service.get("/v1/recommendations", items="i5", purchased="i3", k=5)
    twice = service.get("/v1/recommendations", items="i3,i5", browsed="i3", purchased="i3", k=5)
    assert ids(once) == ids(twice)


def test_filter_limit_and_boost_shape_the_list(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", items="i3", filter="genre:any(g0,g1) and year>=1995", k=100)
    allowed = {f"i{n}" for n in range(5, 16)}
    assert ids(answer) == [item for item in wanted(oracle, [("i3", 1.0)], 27) if item in allowed]
    assert answer["passed"] == 11
    assert answer["next"] is None
    genres = [item["features"]["genre"][0] for item in answer["items"]]
    assert set(genres) == {"g0", "g1"}
    limited = service.get("/v1/recommendations", items="i3", filter="genre:any(g0,g1)", max_per="genre:2", k=100)
    assert len(limited["items"]) == 4
    boosted = service.get("/v1/recommendations", items="i3", boost="10*genre:g2", k=1)
    assert boosted["items"][0]["features"]["genre"] == ["g2"]


def test_dislike_never_comes_and_what_is_like_it_falls(service: Service) -> None:
    before = ids(service.get("/v1/recommendations", items="i3", k=26))
    after = ids(service.get("/v1/recommendations", items="i3", dislike="i20", k=26))
    assert "i20" not in after
    # The model has the same embedding for i5 as for i20.
    assert after.index("i5") > before.index("i5")


def test_pages_follow_each_other_and_end(service: Service) -> None:
    whole = ids(service.get("/v1/recommendations", user="u0-0", items="i7", k=26))
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = service.get("/v1/recommendations", user="u0-0", items="i7", k=5, **cursor)
        pages += ids(answer)
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert pages == whole


def test_pages_under_load_with_batches_of_all_sizes_are_those_of_one_list(service: Service) -> None:
    """The same of a model whose batches do differ is in tests/service/queries/test_pages.py."""
    ended = threading.Event()

    def load(size: int) -> None:
        while not ended.is_set():
            service.post("/v1/recommendations", {"queries": [{"user": f"u{n % 3}-0", "k": 3} for n in range(size)]})

    with ThreadPoolExecutor(4) as threads:
        loads = [threads.submit(load, size) for size in (1, 5, 17, 60)]
        try:
            for user, liked in [("u0-0", ["i7"]), ("u1-0", []), ("nobody", ["i3", "i20"])]:
                query = {"user": user, "items": liked}
                whole = service.post("/v1/recommendations", {**query, "k": 27})["items"]
                pages, cursor = list[str](), None
                while len(pages) < len(whole):
                    answer = service.post("/v1/recommendations", {**query, "k": 2, "cursor": cursor})
                    pages += ids(answer)
                    cursor = answer["next"]
                assert cursor is None
                assert pages == [item["item_id"] for item in whole]
        finally:
            ended.set()
        for each in loads:
            each.result()


def test_cursor_of_another_query_or_made_up_refused(service: Service) -> None:
    cursor = service.get("/v1/recommendations", items="i7", k=5)["next"]
    for parameters, words in (
        ({"items": "i8", "cursor": cursor}, "belongs to another query"),
        ({"items": "i7", "cursor": "AAAA"}, "is not one that this service gave"),
        ({"items": "i7", "cursor": "ä"}, "is not one that this service gave"),
    ):
        error = service.get("/v1/recommendations", 400, **parameters)["error"]
        assert error["field"] == "cursor"
        assert words in error["message"]


def test_post_says_the_same_and_several_queries_are_answered_in_order(service: Service) -> None:
    queries = [{"items": ["i3"], "k": 3}, {"user": "u0-0", "k": 2}, {"user": "who?", "items": ["none"], "k": 1}]
    singles = [service.post("/v1/recommendations", query) for query in queries]
    batch = service.post("/v1/recommendations", {"queries": queries})
    answers.RecommendationsBatch.model_validate(batch)
    for single, one in zip(singles, batch["answers"], strict=True):
        assert single.keys() == one.keys()
        # These two hold the time.
        assert {**single, "recommendation_id": "", "next": ""} == {**one, "recommendation_id": "", "next": ""}
    url = service.get("/v1/recommendations", items="i3", k=3)
    assert ids(url) == ids(singles[0])


def test_post_filter_and_boost_as_json(service: Service) -> None:
    url = service.get("/v1/recommendations", items="i3", filter="genre:g1", boost="2*year<2000", k=9)
    json = {
        "items": ["i3"],
        "filter": {"feature": "genre", "any": ["g1"]},
        "boost": [{"factor": 2, "filter": {"feature": "year", "lt": 2000}}],
        "k": 9,
    }
    assert service.post("/v1/recommendations", json)["items"] == url["items"]


def test_fields_choose_what_is_shown(service: Service) -> None:
    (item,) = service.get("/v1/recommendations", items="i3", k=1, fields="title")["items"]
    assert item.keys() == {"item_id", "score", "title"}


def test_rank_puts_candidates_in_order_and_lists_those_it_does_not_know(service: Service, oracle: Oracle) -> None:
    answer = service.post("/v1/rank", {"items": ["i3"], "candidates": ["i9", "nope", "i4", "bare", "i3"]})
    order = wanted(oracle, [("i3", 1.0)], 27, left_out=[])
    assert ids(answer) == sorted(["i9", "i4", "bare", "i3"], key=order.index)
    assert answer["unknown_items"] == ["nope"]
    answers.Ranked.model_validate(answer)
    assert service.post("/v1/rank", {"candidates": ["nope"]})["items"] == []


def test_why_tells_what_each_item_adds(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/why", items="i3,i9,i1", item="i4")
    answers.Why.model_validate(answer)
    history = ["i3", "i9", "i1"]

    def score(items: list[str]) -> float:
        return oracle.score(oracle.user(b"", [item.encode() for item in items], [1.0] * len(items)), b"i4")

    adds = {item: score(history) - score([other for other in history if other != item]) for item in history}
    assert {reason["item"]["item_id"]: reason["adds"] for reason in answer["reasons"]} == pytest.approx(adds, abs=1e-4)
    assert answer["item"]["score"] == pytest.approx(score(history), abs=1e-5)
    assert answer["rank"] == wanted(oracle, [(item, 1.0) for item in history], 27).index("i4") + 1
    sizes = [abs(reason["adds"]) for reason in answer["reasons"]]
    assert sizes == sorted(sizes, reverse=True)


def test_why_tells_what_the_users_id_adds_and_that_a_met_item_is_left_out(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/why", user="u1-0", item="i8")
    assert answer["left_out"] is True
    assert answer["rank"] is None
    without = oracle.score(oracle.user(b"", [b"i8"], [2.0]), b"i8")
    (user,) = [reason for reason in answer["reasons"] if "user" in reason]
    assert user["adds"] == pytest.approx(answer["item"]["score"] - without, abs=1e-4)


def test_recommendation_id_is_another_one_each_time(service: Service) -> None:
    tokens = {service.get("/v1/recommendations", items="i3")["recommendation_id"] for _ in range(3)}
    assert len(tokens) == 3


def test_personal_answers_are_not_kept(service: Service) -> None:
    answer = service.client.get("/v1/recommendations", params={"items": "i3"})
    assert answer.headers["cache-control"] == "private, no-store"
    assert len(answer.headers["x-request-id"]) == 32


def test_scores_are_those_of_the_model(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/recommendations", items="i3", k=26)
    query = oracle.user(b"", [b"i3"], [1.0])
    scores = [oracle.score(query, item["item_id"].encode()) for item in answer["items"]]
    np.testing.assert_allclose([item["score"] for item in answer["items"]], scores, atol=1e-5)
