"""A bucket for Arrow's client of Cloud Storage: the store of `tests.vertex_api.object_store` behind plain HTTP.

Arrow's client speaks to any address and needs no account there, so the URI of the serving folder says all.
"""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from tests.vertex_api.object_store import TOKEN, ObjectStore

NAME, FOLDER = "bucket", "models/serving"


class Bucket:
    """A running store."""

    def __init__(self, port: int) -> None:
        self.store = ObjectStore()
        self.is_down = False
        """Whether it answers 503."""

        self.cut: str | None = None
        """Bodies of objects whose names end so are cut half-way, with the connection; and the rest never comes."""

        address = quote(f"127.0.0.1:{port}", safe="")
        self.uri = f"gs://anonymous@{NAME}/{FOLDER}?scheme=http&endpoint_override={address}&retry_limit_seconds=1"

    def upload(self, version: Path) -> None:
        """Copies a version's folder, `saved_model.pb` last, as a push does."""
        files = sorted(
            (file for file in version.rglob("*") if file.is_file()), key=lambda f: f.name == "saved_model.pb"
        )
        for file in files:
            self.put(f"{version.name}/{file.relative_to(version).as_posix()}", file.read_bytes())

    def put(self, path: str, content: bytes) -> None:
        self.store.put(NAME, f"{FOLDER}/{path}", content)


@contextlib.contextmanager
def bucket() -> Iterator[Bucket]:
    """Runs a store while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if found.is_down:
                status, headers, body = 503, dict[str, str](), b"{}"
            else:
                self.headers["Authorization"] = f"Bearer {TOKEN}"
                status, headers, body = found.store.answer("GET", self.path, self.headers, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            path, _, query = self.path.partition("?")
            # Arrow 10 reads contents by the XML API, Arrow 18 by the JSON API.
            is_content = "alt=media" in query or not path.startswith("/storage/")
            if found.cut is not None and is_content and path.endswith(quote(found.cut, safe="")):
                body, self.close_connection = body[: 0 if self.headers["Range"] else len(body) // 2], True
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Bucket(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert found.store.strays == []
