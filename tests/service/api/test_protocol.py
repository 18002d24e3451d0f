"""What no client library sends: bytes that are no request, or too many of them, or too slowly."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.errors import ErrorAnswer
from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import KINDS, VERSION, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e

SECONDS = 1.0
"""How long a client may take here."""

MIB = 1 << 20


@pytest.fixture(scope="module")
def place(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    served = ServedShop(tmp_path_factory.mktemp("protocol"), exported(shop), limits={"receive_seconds": SECONDS})
    served.push(VERSION, shop_items(oracle), KINDS)
    with served.running() as running:
        running.serves(VERSION)
        yield running


def connect(service: Service) -> socket.socket:
    host, port = service.url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=60)


def said(connection: socket.socket) -> bytes:
    """Everything until the service closes the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # it closed while we were sending
        pass
    return b"".join(parts)


def refused(answer: bytes, status: int) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:500]
    assert b"connection: close" in head.lower()
    assert b"content-type: application/json" in head.lower()
    ErrorAnswer.model_validate(json.loads(body))
    error: dict[str, Any] = json.loads(body)["error"]
    return error


def flooded(service: Service, begin: bytes, piece: bytes, count: int) -> bytes:
    """Sends a piece again and again, until the service has had enough; what it says."""
    with connect(service) as connection:
        heard: list[bytes] = []
        # An answer is read while more is sent: it is lost when a closed connection gets more.
        reader = threading.Thread(target=lambda: heard.append(said(connection)))
        reader.start()
        try:
            connection.sendall(begin)
            for _ in range(count):
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        reader.join()
        return heard[0]


def resident_mib(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.parametrize(
    ("begin", "status", "code"),
    [
        (b"GET /v1/model HTTP/1.1\r\nhost: x\r\nx-long: ", 431, "head_too_large"),
        (b"GET /v1/model?", 414, "url_too_long"),
        (b"GET /v1/items/", 414, "url_too_long"),
        (b"POST /v1/rank HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ", 431, "head_too_large"),
    ],
)
def test_head_without_an_end_is_refused_and_not_kept(place: Service, begin: bytes, status: int, code: str) -> None:
    before = resident_mib(place)
    assert refused(flooded(place, begin, b"a" * 65536, 64 * 16), status)["code"] == code
    assert resident_mib(place) < before + 30


def test_headers_without_an_end_are_refused(place: Service) -> None:
    begin = b"GET /v1/model HTTP/1.1\r\nhost: x\r\n"
    assert refused(flooded(place, begin, b"x-many: 1\r\n" * 1000, 1000), 431)["code"] == "head_too_large"


def test_trailers_without_an_end_are_not_kept(place: Service) -> None:
    begin = b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-long: "
    before = resident_mib(place)
    refused(flooded(place, begin, b"a" * 65536, 64 * 16), 431)
    assert resident_mib(place) < before + 30


@pytest.mark.parametrize(
    "request_",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"nonsense\r\n\r\n", b"GET /v1/items/\xff HTTP/1.1\r\nhost: x\r\n\r\n"],
)
def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(place: Service, request_: bytes) -> None:
    with connect(place) as connection:
        connection.sendall(request_)
        assert refused(said(connection), 400)["code"] == "invalid_http"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/model HTTP/1.1\r\nhost: x\r\n",
        b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
        b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_request_that_does_not_end_is_told_so_and_its_connection_closed(place: Service, request_: bytes) -> None:
    with connect(place) as connection:
        connection.sendall(request_)
        assert refused(said(connection), 408)["code"] == "too_slow"
    assert "failed" not in place.output


def test_connection_that_says_nothing_is_closed_in_silence(place: Service) -> None:
    with connect(place) as connection:
        assert said(connection) == b""


def test_client_that_goes_in_the_middle_of_its_body_is_no_fault_of_the_service(place: Service) -> None:
    with connect(place) as connection:
        connection.sendall(b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert place.get("/v1/items/i3")["version"] == VERSION
    assert "failed" not in place.output
    assert 'status="500"' not in place.client.get("/metrics").text


def test_body_in_chunks_above_the_limit_is_refused_while_it_comes(place: Service) -> None:
    begin = b"POST /v1/recommendations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    before = resident_mib(place)
    answer = flooded(place, begin, b"10000\r\n" + b" " * 65536 + b"\r\n", 64 * 16)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert resident_mib(place) < before + 30


def test_connection_is_used_again_after_a_whole_request_however_long_it_rests(place: Service) -> None:
    with connect(place) as connection, connect(place) as silent:
        ask = b"GET /v1/items/i3 HTTP/1.1\r\nhost: x\r\n\r\n"
        connection.sendall(ask)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        said(silent)  # until a connection as old as this one is closed, as it has asked nothing
        connection.sendall(ask)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
