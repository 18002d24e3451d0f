"""The client against a server that refuses, hangs up and stalls, as a service behind a proxy may."""

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from service.client import Client, Event, RefusedError, UnavailableError

TOKEN = {"access_token": "first-token", "token_type": "Bearer", "expires_in": 1, "scopes": ["read"]}
STORED = {"stored": 1, "duplicates": 0, "forgotten": 0, "unattributed": 0}
MODEL: dict[str, Any] = {
    "live": None,
    "canary": None,
    "canary_percent": None,
    "previous": None,
    "loading": 7,
    "refused": [],
}
SECRETS = ("open sesame", "first-token", "second-token", "my-user")

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the answers of a list, one after the other."""

    protocol_version = "HTTP/1.1"
    server: "_Http"

    def say(self, status: int, body: Any, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.path, body, self.headers.get("Authorization")))
        self.server.answers.pop(0)(self)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: list[Answer], asked: list[tuple[str, Any, str | None]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = answers, asked


class Server:
    """A server with a list of answers."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, Any, str | None]] = []
        self._http = _Http(self.answers, self.asked)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def says(status: int, body: Any, **headers: str) -> Answer:
    return lambda handler: handler.say(status, body, **headers)


def error(code: str, message: str = "no", field: str | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **({} if field is None else {"field": field})}}


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"live"')
    handler.close_connection = True


@pytest.mark.parametrize(
    "fault",
    [
        says(503, error("not_ready"), Retry_After="0"),
        says(429, error("too_many")),
        says(503, b"<html>a proxy's</html>"),
        hangs_up,
        breaks_off,
    ],
    ids=["503", "429", "proxy", "hangs up", "breaks off"],
)
def test_call_that_fails_for_a_moment_is_repeated(server: Server, fault: Answer) -> None:
    server.answers += [fault, fault, says(200, {**MODEL, "new_in_a_later_release": 1})]
    with Client(server.url) as client:
        assert client.model().loading == 7
    assert len(server.asked) == 3


def test_call_waits_as_long_as_the_service_wants(server: Server) -> None:
    server.answers += [says(503, error("not_ready"), Retry_After="1"), says(200, MODEL)]
    started = time.monotonic()
    with Client(server.url) as client:
        client.model()
    assert time.monotonic() - started >= 1


def test_call_that_would_wait_beyond_the_deadline_fails_at_once(server: Server) -> None:
    server.answers += [says(503, error("not_ready", "no version is in service yet"), Retry_After="60")]
    started = time.monotonic()
    with Client(server.url, deadline_seconds=5) as client, pytest.raises(UnavailableError) as caught:
        client.model()
    assert time.monotonic() - started < 4
    assert (caught.value.status, caught.value.code) == (503, "not_ready")
    assert "no version is in service yet" in str(caught.value)


def test_server_that_is_silent_or_drips_is_left_at_the_deadline(server: Server) -> None:
    release = threading.Event()

    def silent(handler: Handler) -> None:
        release.wait(60)
        hangs_up(handler)

    def drips(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not release.wait(0.1):
            handler.wfile.write(b" ")

    try:
        for answer in (silent, drips):
            server.answers[:] = [answer] * 20
            started = time.monotonic()
            with Client(server.url, deadline_seconds=0.5) as client, pytest.raises(UnavailableError, match="Timeout"):
                client.model()
            assert time.monotonic() - started < 5
    finally:
        release.set()


def test_no_server_is_told_within_the_deadline() -> None:
    with Client("http://127.0.0.1:9", deadline_seconds=0.5) as client, pytest.raises(UnavailableError) as caught:
        client.model()
    assert "http://127.0.0.1:9" in str(caught.value)
    assert (caught.value.status, caught.value.code) == (None, None)


def test_refusal_is_not_repeated_and_says_what_the_service_says(server: Server) -> None:
    server.answers += [says(400, error("invalid_request", "must be at least 1", "k"))]
    with Client(server.url) as client, pytest.raises(RefusedError, match=r"^k: must be at least 1$") as caught:
        client.recommend(k=0)
    assert (caught.value.status, caught.value.code, caught.value.field) == (400, "invalid_request", "k")


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"\xff"])
def test_answer_that_is_not_the_services_is_refused(server: Server, body: bytes) -> None:
    server.answers += [says(200, body)]
    with Client(server.url) as client, pytest.raises(RefusedError, match="Is this the address of the service"):
        client.model()


def test_redirect_is_not_followed_so_no_token_goes_elsewhere(server: Server) -> None:
    server.answers += [says(307, b"", Location=f"{server.url}/elsewhere")]
    with Client(server.url, token="first-token") as client, pytest.raises(RefusedError, match="status 307"):
        client.model()
    assert len(server.asked) == 1


def test_expired_token_is_replaced_and_the_call_repeated(server: Server) -> None:
    denied = says(401, error("unauthorized"))
    again = says(200, {**TOKEN, "access_token": "second-token"})
    server.answers += [says(200, TOKEN), says(200, MODEL), denied, again, says(200, MODEL)]
    with Client(server.url, user="my-user", password="open sesame") as client:
        client.model()
        client.model()
    assert [(path, token) for path, _, token in server.asked] == [
        ("/v1/login", None),
        ("/v1/model", "Bearer first-token"),
        ("/v1/model", "Bearer first-token"),
        ("/v1/login", None),
        ("/v1/model", "Bearer second-token"),
    ]


def test_new_token_that_is_refused_too_ends_the_call(server: Server) -> None:
    server.answers += [says(200, TOKEN), says(401, error("unauthorized"))] * 2
    with Client(server.url, user="my-user", password="open sesame") as client, pytest.raises(RefusedError) as caught:
        client.model()
    assert caught.value.code == "unauthorized"
    assert len(server.asked) == 4


def test_events_are_sent_again_with_the_same_ids(server: Server) -> None:
    server.answers += [hangs_up, says(200, STORED), says(200, {**STORED, "stored": 0, "duplicates": 1})]
    with Client(server.url) as client:
        found = client.send_events([Event("view", "u", "i1"), Event("view", "u", "i2")], at_once=1)
    assert (found.stored, found.duplicates) == (1, 1)
    sent = [body["events"][0] for _, body, _ in server.asked]
    assert sent[0] == sent[1]
    assert sent[1]["event_id"] != sent[2]["event_id"]


@pytest.mark.parametrize("fault", [says(401, error("unauthorized")), hangs_up, says(200, b'{"access_token": 7}')])
def test_no_error_and_no_repr_holds_a_secret(server: Server, fault: Answer) -> None:
    server.answers += [fault] * 50
    for secret in ({"user": "my-user", "password": "open sesame"}, {"token": "first-token"}):
        with Client(server.url, deadline_seconds=0.3, **secret) as client:
            with pytest.raises((RefusedError, UnavailableError)) as caught:
                client.model()
            shown = "".join(traceback.format_exception(caught.value)) + repr(client) + repr(caught.value.__cause__)
            shown += repr(client._connection._login) + repr(caught.value.__context__)
        assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "http://my-user:open sesame@localhost"},
        {"url": "localhost:8080"},
        {"url": "ftp://localhost"},
        {"url": "http://"},
        {"url": "http://localhost", "user": "my-user"},
        {"url": "http://localhost", "password": "open sesame"},
        {"url": "http://localhost", "user": "my-user", "password": "open sesame", "token": "first-token"},
        {"url": "http://localhost", "token": "first-token\nX-Other: 1"},
        {"url": "http://localhost", "token": ""},
    ],
)
def test_client_that_cannot_work_is_refused_when_it_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        Client(**arguments)
    assert not any(secret in str(caught.value) for secret in SECRETS)
