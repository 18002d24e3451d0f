"""A model, or a database, that fails: what is answered meanwhile, how soon, and that all comes back by itself."""

import contextlib
import select
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.service.conftest import NEWEST
from tests.service.model_server import NAME, ModelServer
from tests.service.served_shop import ServedShop, Service, wait_until
from tests.service.small_shop import HISTORIES, KINDS, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e

DEADLINE, DATABASE_SECONDS = 1.0, 0.5

SLACK = 2.0
"""Seconds above a deadline that a busy machine may add. What has no deadline lasts for ever here."""

Mode = Literal["open", "down", "silent", "cut"]


class Wire:
    """A connection in between: it passes everything on, refuses, swallows what it gets, or breaks in mid-answer."""

    def __init__(self, target: str) -> None:
        self.mode: Mode = "open"
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for each in (self._listener, *self._pairs):
            each.close()

    def _work(self) -> None:
        while not self._ended.is_set():
            for ready in select.select([self._listener, *self._pairs], [], [], 0.02)[0]:
                if ready is self._listener:
                    self._accept()
                elif ready in self._pairs:
                    self._pass_on(ready)
            if self.mode == "down":
                for each in list(self._pairs):
                    self._drop(each)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.mode == "down":
            client.close()
            return
        server = socket.create_connection(self._target)
        self._pairs |= {client: server, server: client}

    def _pass_on(self, source: socket.socket) -> None:
        try:
            content = source.recv(1 << 16)
        except ConnectionError:
            content = b""
        if not content:
            self._drop(source)
        elif self.mode != "silent":
            is_answer = source.getpeername() == self._target or source.getpeername()[1] == self._target[1]
            cut = self.mode == "cut" and is_answer
            with contextlib.suppress(ConnectionError):
                self._pairs[source].sendall(content[: len(content) // 2] if cut else content)
            if cut:
                self._drop(source)

    def _drop(self, one: socket.socket) -> None:
        other = self._pairs.pop(one, None)
        if other is not None:
            self._pairs.pop(other, None)
            other.close()
        one.close()


@pytest.fixture(scope="module")
def wire(model_server: ModelServer) -> Iterator[Wire]:
    made = Wire(model_server.address)
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(
    shop: TrainerInputs, oracle: Oracle, wire: Wire, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServedShop, Service]]:
    """A service whose model is at the other end of the wire."""
    made = ServedShop(
        tmp_path_factory.mktemp("faults"),
        exported(shop),
        backend="tf_serving",
        tf_serving={"address": wire.address, "model_name": NAME},
        deadline_seconds=DEADLINE,
        database={"timeout_seconds": DATABASE_SECONDS},
    )
    made.push(NEWEST, shop_items(oracle), KINDS, HISTORIES)
    with made.running() as running:
        running.serves(NEWEST)
        yield made, running


@pytest.mark.parametrize("mode", ["down", "silent", "cut"])
def test_model_that_fails_is_a_503_within_the_deadline_and_comes_back(
    place: tuple[ServedShop, Service], wire: Wire, mode: Mode
) -> None:
    _, service = place
    before = service.get("/v1/recommendations", items="i3")["items"]
    wire.mode = mode
    try:
        for path in ("/v1/recommendations?items=i3", "/v1/why?items=i3&item=i4"):
            since = time.monotonic()
            answer = service.client.get(path)
            assert time.monotonic() - since < DEADLINE + SLACK
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "model_unavailable"
            assert int(answer.headers["retry-after"]) >= 1
        # What needs no model goes on.
        assert service.get("/v1/items/i3/similar")["version"] == NEWEST
        assert service.client.get("/readyz").status_code == 200
    finally:
        wire.mode = "open"
    wait_until(lambda: service.client.get("/v1/recommendations?items=i3").status_code == 200, lambda: service.output)
    assert service.get("/v1/recommendations", items="i3")["items"] == before


def test_next_page_needs_no_model(place: tuple[ServedShop, Service], wire: Wire) -> None:
    _, service = place
    whole = service.get("/v1/recommendations", items="i3", k=10)["items"]
    first = service.get("/v1/recommendations", items="i3", k=5)
    wire.mode = "down"
    try:
        second = service.get("/v1/recommendations", items="i3", k=5, cursor=first["next"])
    finally:
        wire.mode = "open"
    assert first["items"] + second["items"] == whole
    wait_until(lambda: service.client.get("/v1/recommendations?items=i3").status_code == 200, lambda: service.output)


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Holds an SQLite file, so that nobody else can write."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=60)
    try:
        connection.execute("begin immediate")
        yield
        connection.execute("rollback")
    finally:
        connection.close()


def test_database_that_is_held_refuses_events_and_loses_none_that_was_taken(
    place: tuple[ServedShop, Service],
) -> None:
    made, service = place
    events = [{"type": "view", "user": "held", "item": f"i{n}", "event_id": f"h{n}"} for n in range(10)]
    assert service.post("/v1/events", {"events": events[:5]})["stored"] == 5
    with held(made.home / "service" / "perennial.db"):
        since = time.monotonic()
        answer = service.client.post("/v1/events", json={"events": events})
        assert time.monotonic() - since < 4 * DATABASE_SECONDS + SLACK
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "database_unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert len(service.get("/v1/recommendations", user="u0-0", k=3)["items"]) == 3
    again = service.post("/v1/events", {"events": events})
    # What was refused may have been stored when the lock was gone: that is why events have ids.
    assert again["stored"] + again["duplicates"] == 10
    assert again["duplicates"] >= 5
    assert service.get("/v1/recommendations", user="held", k=3)["basis"] == ["events"]
