"""Requests that no client should send: each gets a 4xx with a reason, and the memory stays as it was."""

import contextlib
import json
import random
import string
import unicodedata
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.errors import ErrorAnswer
from tests.service.served_shop import Service


def refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, answer.text[:500]
    ErrorAnswer.model_validate(answer.json())
    assert answer.headers["cache-control"] == "no-store"
    error: dict[str, Any] = answer.json()["error"]
    assert len(error["message"]) < 400
    return error


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("itms=i3", "itms", "there is no such field or parameter"),
        ("k=0&items=i3", "k", "greater than or equal to 1"),
        ("k=1000000000", "k", "at most 500 items"),
        ("k=many", "k", "valid integer"),
        ("k=1&k=2", "k", "given more than once"),
        ("k=1e3", "k", "valid integer"),
        ("diversity=2", "diversity", "less than or equal to 1"),
        ("diversity=nan", "diversity", "finite number"),
        ("filter=genre", "filter", "expected"),
        ("filter=color:red", "filter", "no such feature. It has: genre, year"),
        ("filter=year:new", "filter", "number"),
        ("boost=99*genre:g1", "boost", "factor"),
        ("max_per=genre", "max_per", "An example: genres:2"),
        ("max_per=year:1", "max_per", "kind number"),
        ("fields=colour", "fields[0]", "title"),
        ("items=" + "x" * 600, "items[0]", "at most 512"),
        ("items=" + ",".join(f"i{n}" for n in range(501)), "items", "at most 500"),
        ("exclude=" + ",".join(f"i{n}" for n in range(501)), "exclude", "at most 500"),
        ("user=", "user", "at least 1"),
        ("items=a,,b", "items[1]", "at least 1"),
        ("items=a%00b", "items[0]", "NUL"),
        ("user=%00", "user", "NUL"),
        ("cursor=" + "A" * 24_577, "cursor", "at most 24576"),
    ],
)
def test_parameter_that_is_wrong_is_named(service: Service, query: str, field: str, words: str) -> None:
    error = refused(service.client.get(f"/v1/recommendations?{query}"), 400)
    assert error.get("field") == field, error
    assert words in error["message"]


def test_parameters_that_are_no_utf_8_or_too_many(service: Service) -> None:
    assert "UTF-8" in refused(service.client.get("/v1/recommendations?user=%FF"), 400)["message"]
    many = "&".join(f"p{n}=1" for n in range(1001))
    assert "1000 parameters" in refused(service.client.get(f"/v1/recommendations?{many}"), 400)["message"]


@pytest.mark.parametrize("path", ["/v1/recommendations", "/v1/rank", "/v1/events"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}}",
        b"[" * 100_000,
        b'{"k": NaN}',
        b'{"items": ["\xff"]}',
        b'{"items": ["\\ud800"]}',
        b'{"k": 1e999}',
        b'{"items": {"a": 1}}',
        b'{"queries": 7}',
        b'{"events": [[]]}',
        b'{"k": 99999999999999999999999}',
        b'{"k": "3", "candidates": ["i3"]}',
        b'{"k": true, "candidates": ["i3"]}',
        b'{"diversity": "0.5", "candidates": ["i3"]}',
        b'{"items": "i3"}',
        b'{"items": [3]}',
        b'{"user": 7}',
        b'{"items": ["a\\u0000b"]}',
        b'{"k": -Infinity}',
        b'{"user": "a", "user": "b", "candidates": ["i3"]}',
        b'{"filter": {"feature": "genre", "any": ["g0"], "any": ["g1"]}}',
        b"\xef\xbb\xbf{}",
        b"{'k': 1}",
        b'"text"',
        b"7",
    ],
)
def test_body_that_is_wrong_is_refused(service: Service, path: str, body: bytes) -> None:
    refused(service.client.post(path, content=body, headers={"content-type": "application/json"}), 400)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"user": "a", "k": 1, "user": "b"}', "has a key twice"),
        (b'{"k": "3"}', "must be a number"),
        (b'{"k": true}', "must be a number"),
        (b'{"user": "a\\u0000"}', "NUL"),
        (b'{"exclude": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
    ],
)
def test_body_that_is_no_clear_json_is_refused_with_the_reason(service: Service, body: bytes, words: str) -> None:
    assert words in refused(service.client.post("/v1/recommendations", content=body), 400)["message"]


@pytest.mark.parametrize("value", ['"5"', "true", "NaN", "1e999", "[5]"])
def test_rating_that_is_no_number_is_refused(service: Service, value: str) -> None:
    body = f'{{"type": "rating", "user": "a", "item": "i3", "value": {value}}}'
    refused(service.client.post("/v1/events", content=body), 400)


def test_fields_that_are_null_are_as_if_they_were_not_there(service: Service) -> None:
    names = ("user", "filter", "max_per", "fields", "cursor")
    answer = service.post("/v1/recommendations", {"items": ["i3"], **dict.fromkeys(names)})
    assert answer["items"] == service.post("/v1/recommendations", {"items": ["i3"]})["items"]


def test_body_that_is_too_large_is_refused_whether_its_length_is_told_or_not(service: Service) -> None:
    body = b'{"items": ["' + b"x" * 10_000_000 + b'"]}'
    refused(service.client.post("/v1/recommendations", content=body), 413)
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    with contextlib.suppress(httpx.WriteError):  # it has stopped reading, which is as good
        refused(service.client.post("/v1/recommendations", content=pieces), 413)


def test_batch_that_is_too_large_is_refused(service: Service) -> None:
    refused(service.client.post("/v1/recommendations", content=b'{"queries": [' + b"{}," * 100_000 + b"{}]}"), 400)
    refused(service.client.post("/v1/events", content=b'{"events": [' + b"{}," * 100_000 + b"{}]}"), 400)
    error = refused(service.client.post("/v1/recommendations", json={"queries": [{"k": 1}] * 101}), 400)
    assert "at most 100" in error["message"]
    error = refused(service.client.post("/v1/events", json={"events": [{}] * 101}), 400)
    assert "at most 100" in error["message"]


def test_filter_of_ten_thousand_terms_is_refused(service: Service) -> None:
    words = ",".join(f"g{n}" for n in range(10_000))
    error = refused(service.client.post("/v1/recommendations", json={"filter": f"genre:any({words})"}), 400)
    assert error["field"] == "filter"
    deep: Any = {"feature": "genre", "any": ["g1"]}
    for _ in range(500):
        deep = {"not": deep}
    refused(service.client.post("/v1/recommendations", json={"filter": deep}), 400)


def test_twins_of_an_id_are_other_ids(service: Service) -> None:
    twin = unicodedata.normalize("NFD", "ü\t€")
    assert service.get("/v1/recommendations", items=twin)["unknown_items"] == [twin]
    assert service.post("/v1/recommendations", {"items": ["ü\t€"]})["unknown_items"] == []
    assert service.post("/v1/recommendations", {"items": ["I3", "i3 "]})["unknown_items"] == ["I3", "i3 "]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/items/nope",
        "/v1/items/nope/similar",
        "/v1/items/nope/graph",
        "/v1/item?item=nope",
        "/v1/nope",
        "/",
        "/v1/items/i3/",
        "/v1/items/i/3",
        "/v1//rank",
    ],
)
def test_what_does_not_exist_is_not_found(service: Service, path: str) -> None:
    refused(service.client.get(path), 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/recommendations", "GET, POST"), ("/v1/why", "GET, POST"), ("/v1/rank", "POST"), ("/v1/items/i3", "GET")],
)
def test_method_that_a_path_does_not_have(service: Service, path: str, allowed: str) -> None:
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"):
        answer = service.client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allowed
        if method != "HEAD":
            assert refused(answer, 405)["code"] == "method_not_allowed"
    assert service.client.request("BREW", path).status_code == 400


@pytest.mark.parametrize(("depth", "breadth"), [(3, 100), (10**9, 10**9), (1, 301)])
def test_graph_that_is_too_large_is_refused(service: Service, depth: int, breadth: int) -> None:
    error = refused(service.client.get(f"/v1/items/i3/graph?depth={depth}&breadth={breadth}"), 400)
    assert "300" in error["message"]


def test_memory_stays_flat_under_nonsense(service: Service) -> None:
    random.seed(0)

    def nonsense() -> None:
        for _ in range(300):
            text = "".join(random.choices(string.printable + "äöü€\U0001f600", k=random.randrange(1, 300)))
            service.client.get("/v1/recommendations", params={"filter": text, "items": text, "boost": text})
            service.client.post("/v1/recommendations", content=json.dumps({"filter": text, "items": [text]}))

    nonsense()
    before = _resident_mib(service)
    for _ in range(3):
        nonsense()
    assert _resident_mib(service) < before + 40


def _resident_mib(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
