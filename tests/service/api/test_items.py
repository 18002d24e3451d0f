"""What the routes of items and of the service itself answer."""

import pytest

from service.api import answers
from tests.service.served_shop import Service
from tests.service.small_shop import VERSION
from tests.serving_signatures.oracle import Oracle


def neighbours(oracle: Oracle, item: str, k: int) -> list[str]:
    return [found.decode() for found in oracle.ranking(oracle.items[item.encode()], [item.encode()], k)[0]]


def test_item_has_all_that_is_known_of_it(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/items/i7")
    answers.ItemAnswer.model_validate(answer)
    item = answer["item"]
    assert item["title"] == "The Tale of i7"
    assert item["features"] == {"genre": ["g0"], "year": [1997.0]}
    assert item["popularity"] == oracle.popularity[b"i7"]
    assert item["count"] == oracle.order.index(b"i7")
    assert item["first_time"] == 107
    assert "first_time" not in service.get("/v1/items/bare")["item"]


def test_item_whose_id_has_strange_signs_is_found(service: Service) -> None:
    assert service.get("/v1/items/%C3%BC%09%E2%82%AC")["item"]["item_id"] == "ü\t€"


def test_similar_items_are_those_of_the_model(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/items/i7/similar", k=5)
    answers.Items.model_validate(answer)
    assert [item["item_id"] for item in answer["items"]] == neighbours(oracle, "i7", 5)
    assert answer["has_more"] is True
    page = service.get("/v1/items/i7/similar", k=5, offset=5)
    assert [item["item_id"] for item in page["items"]] == neighbours(oracle, "i7", 10)[5:]
    assert service.get("/v1/items/bare/similar")["items"] == []


def test_embedding_is_that_of_the_model(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/items/i7/embedding")
    answers.Embedding.model_validate(answer)
    assert answer["embedding"] == pytest.approx(oracle.items[b"i7"].tolist())


def test_graph_has_neighbours_of_neighbours(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/items/i7/graph", depth=2, breadth=3)
    answers.GraphAnswer.model_validate(answer)
    depths = {node["item_id"]: node["depth"] for node in answer["nodes"]}
    near = neighbours(oracle, "i7", 3)
    assert {item for item, depth in depths.items() if depth == 1} == set(near)
    far = {item for one in near for item in neighbours(oracle, one, 3)} - {"i7", *near}
    assert {item for item, depth in depths.items() if depth == 2} == far


def test_search_finds_titles_as_one_types_and_repairs_typos(service: Service) -> None:
    for typed in ("tale i7", "TALE of I7", "Täle i7", "tael i7"):
        answer = service.get("/v1/items/search", q=typed)
        answers.FoundItems.model_validate(answer)
        assert answer["items"][0]["item_id"] == "i7", typed
    assert service.get("/v1/items/search", q="zzzz")["items"] == []


def test_popular_and_latest_items(service: Service, oracle: Oracle) -> None:
    answer = service.get("/v1/items/popular", k=4)
    answers.Items.model_validate(answer)
    popular = sorted(oracle.order, key=lambda item: -oracle.popularity[item])[:4]
    assert [item["item_id"].encode() for item in answer["items"]] == popular
    assert [item["item_id"] for item in service.get("/v1/items/latest", k=2)["items"]] == ["i23", "i22"]
    filtered = service.get("/v1/items/latest", k=2, filter="genre:g0")
    assert [item["item_id"] for item in filtered["items"]] == ["i7", "i6"]
    assert filtered["passed"] == 8


def test_answers_about_items_may_be_kept_until_the_version_changes(service: Service) -> None:
    first = service.client.get("/v1/items/i7")
    assert first.headers["etag"] == f'"{VERSION}"'
    again = service.client.get("/v1/items/i7", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_model_tells_what_it_was_made_from(service: Service) -> None:
    answer = service.model()
    answers.ModelAnswer.model_validate(answer)
    assert answer["live"]["version"] == VERSION
    assert answer["live"]["items"] == 27
    assert answer["live"]["users_with_history"] == 3
    assert answer["refused"] == []


def test_metrics_count_requests_and_name_no_path_of_a_client(service: Service) -> None:
    service.get("/v1/items/i7")
    service.client.get("/v1/made/up/path")
    metrics = service.client.get("/metrics").text
    assert 'perennial_requests_total{route="/v1/items/{item_id}",status="200"}' in metrics
    assert 'perennial_requests_total{route="none",status="404"}' in metrics
    assert f'perennial_version{{role="live",version="{VERSION}"}} 1.0' in metrics
    assert "made/up" not in metrics


def test_openapi_describes_every_route_with_an_example_and_every_error(service: Service) -> None:
    document = service.get("/openapi.json")
    assert "perennial" in document["info"]["title"].lower()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["summary"], path
            if path.startswith("/v1/") and path != "/v1/login":
                assert {"200", "400", "401", "403", "429", "503"} <= route["responses"].keys(), (method, path)
            if method == "post":
                assert "example" in route["requestBody"]["content"]["application/json"]


def test_health_is_there_before_and_after(service: Service) -> None:
    assert service.client.get("/healthz").text == "ok\n"
    assert service.client.get("/readyz").text == "ok\n"
