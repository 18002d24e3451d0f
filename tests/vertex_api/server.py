"""Runs the server: connections, routing, faults, and a record of all requests."""

import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from tests.vertex_api.faults import Cut, Fault, Refuse
from tests.vertex_api.rest import ApiError, Reply, Route, to_json


class Service(Protocol):
    """Some methods, and their state."""

    def routes(self) -> list[Route]:
        """The methods."""


@dataclass(frozen=True)
class Received:
    """One request."""

    rpc: str
    method: str
    path: str
    headers: dict[str, str]
    """Headers by name, in small letters."""

    message: Any
    """The request's proto, or a dict if the method does not use protos."""


class VertexApi:
    """A server on a free port of the loopback, and its state.

    Use it as a context manager. `requests` holds the requests in order. `strays` holds those that fit no route or no
    proto; it should be empty at the end of a test.
    """

    def __init__(self, services: Iterable[Service]) -> None:
        self.requests: list[Received] = []
        self.strays: list[str] = []
        self.outside: list[str] = []
        """Requested hosts of the outside network."""

        self.gate: Any = None
        """Called with the headers of each request that needs a token; raises ApiError without a good one."""

        self._routes = [route for service in services for route in service.routes()]
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._forever: dict[str, Fault] = {}
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def routes(self) -> list[Route]:
        """All methods."""
        return list(self._routes)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def add(self, *services: Service) -> None:
        """Adds further services."""
        self._routes += [route for service in services for route in service.routes()]

    def fail(self, rpc: str, *faults: Fault, forever: bool = False) -> None:
        """Makes the next calls of a method fail.

        Args:
            rpc: The method's name; calls after these succeed.
            *faults: One fault for each call.
            forever: Whether the last fault is repeated for all later calls.
        """
        assert any(route.rpc == rpc for route in self._routes), rpc
        self._faults[rpc].extend(faults)
        if forever:
            self._forever[rpc] = faults[-1]

    def received(self, rpc: str) -> list[Any]:
        """The messages of a method's requests, in order."""
        return [request.message for request in self.requests if request.rpc == rpc]

    def __enter__(self) -> "VertexApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str], bool]:
        """Answers a request: status, body, further headers, and whether to cut the connection."""
        url = urlsplit(target)
        with self._lock:  # one request at a time: the state behind the handlers is plain
            try:
                return self._answer(method, unquote(url.path), url.query, headers, body)
            except ApiError as e:
                return e.code, json.dumps(e.body()).encode(), {}, False
            except Exception as e:
                self.strays.append(f"{method} {target}: {e!r}")
                raise

    def _answer(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str], bool]:
        for route in self._routes:
            variables = route.match(method, path)
            if variables is not None:
                break
        else:
            self.strays.append(f"{method} {path}")
            raise ApiError(404, f"no method answers {method} {path}")
        try:
            message = route.parse(variables, query, body)
        except ApiError as e:
            self.strays.append(e.message)
            raise
        self.requests.append(Received(route.rpc, method, path, headers, message))
        reply, cut = self._perform(route, message, headers)
        if reply is None:
            return 0, b"", {}, True
        return 200, to_json(reply), reply.headers if isinstance(reply, Reply) else {}, cut

    def call(self, rpc: str, message: Any, headers: dict[str, str]) -> Any:
        """Answers a call that does not use HTTP and JSON.

        Raises:
            ApiError: It is refused.
        """
        with self._lock:
            # The first one: a method for operations has several paths.
            route = next(route for route in self._routes if route.rpc == rpc)
            self.requests.append(Received(rpc, "", "", headers, message))
            reply, cut = self._perform(route, message, headers)
        if cut:
            raise ApiError(503, "the connection was cut")
        return reply

    def _perform(self, route: Route, message: Any, headers: dict[str, str]) -> tuple[Any, bool]:
        """The reply, None if there is none, and whether to cut the connection."""
        if self.gate is not None and route.rpc != "Token":
            self.gate(headers)
        fault = self._faults[route.rpc].popleft() if self._faults[route.rpc] else self._forever.get(route.rpc)
        if isinstance(fault, Refuse):
            if fault.after_effect:
                route.handler(message)
            raise ApiError(fault.code, fault.message, fault.details)
        if isinstance(fault, Cut) and not fault.after_effect:
            return None, True
        return route.handler(message), isinstance(fault, Cut)


def _handler(api: VertexApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is two writes, and a client waits 40 ms before it confirms one

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer, further, cut = api.answer(self.command, self.path, headers, body)
            if status:
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(answer)))
                for name, value in further.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer[: len(answer) // 2] if cut else answer)
            if cut:
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def do_CONNECT(self) -> None:
            """Refuses the request: this server is also the proxy, so that no test reaches the outside network."""
            api.outside.append(self.path)
            self.close_connection = True
            self.send_error(403)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _reply

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def running(*services: Service) -> Iterator[VertexApi]:
    """Runs a server with these services; at the end it must have no stray request."""
    with VertexApi(services) as api:
        yield api
    assert api.strays == [], api.strays
