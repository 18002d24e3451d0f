"""Simulates Cloud Storage for TensorFlow's own `gs://`, whose requests end on the loopback.

TensorFlow uses only Google's addresses, over TLS. So this is an HTTPS proxy that answers requests itself, with a
certificate of an authority that only the tests trust. The protocol: https://cloud.google.com/storage/docs/json_api/v1.
"""

import datetime
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("www.googleapis.com", "storage.googleapis.com")
TOKEN = "a-token"


class ObjectStore:
    """Holds objects: bytes under a name with slashes. A bucket exists when it has objects.

    Only writes by `tf.io.gfile.copy` may be refused. TensorFlow repeats a refused write when it frees the file object;
    a GFile's object is freed in C++ with Python's lock held, so this server, in the same process, could not answer.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        """Objects by bucket and name."""

        self.log: list[str] = []
        """All changes in order: `write`, `delete` or `copy`, and the object."""

        self.strays: list[str] = []
        """Requests that this server does not support."""

        self.watch: Callable[[], None] | None = None
        """Called after each change, before the next answer, so that it sees every state that a reader could see."""

        self.refuse: Callable[[str, str], bool] | None = None
        """Whether to forbid a `write` or `delete` of an object, by its name."""

        self._generation = 0
        self._generations: dict[tuple[str, str], int] = {}
        self._sessions: dict[str, tuple[str, str]] = {}
        self._lock = threading.RLock()

    def clear(self) -> None:
        """Removes all objects, watchers and refusals."""
        with self._lock:
            self.objects.clear()
            self.log.clear()
            self.watch = self.refuse = None

    def names(self, bucket: str) -> list[str]:
        """Names of a bucket's objects."""
        return sorted(name for holder, name in self.objects if holder == bucket)

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Writes an object."""
        with self._lock:
            self._generation += 1
            self.objects[bucket, name], self._generations[bucket, name] = content, self._generation

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answers a request: status, headers and body."""
        url = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        with self._lock:
            if headers["Authorization"] != f"Bearer {TOKEN}":
                return 401, {}, b"{}"
            for verb, pattern, handler in _ROUTES:
                match = re.fullmatch(pattern, url.path)
                if verb == method and match:
                    return handler(self, [unquote(part) for part in match.groups()], asked, headers, body)
            self.strays.append(f"{method} {target}")
            return 501, {}, b"{}"

    def _write(self, key: tuple[str, str], content: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.refuse is not None and self.refuse("write", key[1]):
            return _FORBIDDEN
        self.put(*key, content)
        self._changed(f"write {key[1]}")
        return _json(self._described(key))

    def _changed(self, what: str) -> None:
        self.log.append(what)
        if self.watch is not None:
            self.watch()

    def _described(self, key: tuple[str, str]) -> dict[str, Any]:
        generation = self._generations[key]
        time = f"2026-01-01T00:{generation // 60 % 60:02}:{generation % 60:02}.000Z"
        return {
            "bucket": key[0],
            "name": key[1],
            "size": str(len(self.objects[key])),
            "generation": str(generation),
            "timeCreated": time,
            "updated": time,
        }

    def _bucket(self, parts: list[str], *_: Any) -> tuple[int, dict[str, str], bytes]:
        return _json({"name": parts[0], "location": "EUROPE-WEST4"})

    def _list(self, parts: list[str], asked: dict[str, str], *_: Any) -> tuple[int, dict[str, str], bytes]:
        prefix, delimiter, size = asked.get("prefix", ""), asked.get("delimiter"), int(asked.get("maxResults", 1000))
        items, prefixes = [], []
        for name in self.names(parts[0]):
            rest = name.removeprefix(prefix)
            if not name.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folder = prefix + rest.partition(delimiter)[0] + delimiter
                if folder not in prefixes:
                    prefixes.append(folder)
            else:
                items.append(self._described((parts[0], name)))
        found = sorted([*((each["name"], each) for each in items), *((each, None) for each in prefixes)])
        start = int(asked.get("pageToken") or 0)
        page = found[start : start + size]
        answer: dict[str, Any] = {
            "items": [item for _, item in page if item],
            "prefixes": [name for name, item in page if not item],
        }
        if start + size < len(found):
            answer["nextPageToken"] = str(start + size)
        return _json({name: value for name, value in answer.items() if value})

    def _stat(
        self, parts: list[str], asked: dict[str, str], headers: Any, *_: Any
    ) -> tuple[int, dict[str, str], bytes]:
        if asked.get("alt") == "media":
            return self._read(parts, asked, headers)
        key = (parts[0], parts[1])
        return _json(self._described(key)) if key in self.objects else _NOT_FOUND

    def _delete(self, parts: list[str], *_: Any) -> tuple[int, dict[str, str], bytes]:
        if self.refuse is not None and self.refuse("delete", parts[1]):
            return _FORBIDDEN
        if self.objects.pop((parts[0], parts[1]), None) is None:
            return _NOT_FOUND
        self._changed(f"delete {parts[1]}")
        return 204, {}, b""

    def _copy(self, parts: list[str], *_: Any) -> tuple[int, dict[str, str], bytes]:
        source, goal = (parts[0], parts[1]), (parts[2], parts[3])
        if source not in self.objects:
            return _NOT_FOUND
        status, headers, body = self._write(goal, self.objects[source])
        return _json({"done": True}) if status == 200 else (status, headers, body)

    def _read(self, parts: list[str], _: Any, headers: Any, *__: Any) -> tuple[int, dict[str, str], bytes]:
        content = self.objects.get((parts[0], parts[1]))
        if content is None:
            return _NOT_FOUND
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", headers["Range"] or "")
        if match is None:
            return 200, {}, content
        first, last = int(match[1]), int(match[2] or len(content) - 1)
        if first >= len(content):
            return 416, {}, b""
        last = min(last, len(content) - 1)
        return 206, {"Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first : last + 1]

    def _begin(
        self, parts: list[str], asked: dict[str, str], headers: Any, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        key = (parts[0], asked["name"])
        if asked["uploadType"] == "media":
            return self._write(key, body)
        session = str(len(self._sessions))
        self._sessions[session] = key
        return 200, {"Location": f"https://www.googleapis.com/upload/storage/v1/sessions/{session}"}, b""

    def _put(self, parts: list[str], _: Any, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return self._write(self._sessions[parts[0]], body)


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


_FORBIDDEN = 403, {"Content-Type": "application/json"}, b'{"error": {"code": 403, "message": "Forbidden"}}'
_NOT_FOUND = 404, {"Content-Type": "application/json"}, b'{"error": {"code": 404, "message": "Not Found"}}'

_ROUTES: list[tuple[str, str, Any]] = [
    ("POST", r"/upload/storage/v1/b/([^/]+)/o", ObjectStore._begin),
    ("PUT", r"/upload/storage/v1/sessions/([^/]+)", ObjectStore._put),
    ("POST", r"/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)", ObjectStore._copy),
    ("GET", r"/storage/v1/b/([^/]+)", ObjectStore._bucket),
    ("GET", r"/storage/v1/b/([^/]+)/o", ObjectStore._list),
    ("GET", r"/storage/v1/b/([^/]+)/o/([^/]+)", ObjectStore._stat),
    ("DELETE", r"/storage/v1/b/([^/]+)/o/([^/]+)", ObjectStore._delete),
    ("GET", r"/([^/]+)/(.+)", ObjectStore._read),
]


@contextmanager
def object_store(folder: Path) -> Iterator[tuple[ObjectStore, dict[str, str]]]:
    """Runs an object store while the block runs; yields it and the variables that make TensorFlow use it.

    Args:
        folder: The folder for the certificates.
    """
    authority, certificate = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    store = ObjectStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store, context))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield (
            store,
            {
                "HTTPS_PROXY": f"http://127.0.0.1:{server.server_port}",
                "https_proxy": f"http://127.0.0.1:{server.server_port}",
                "NO_PROXY": "127.0.0.1",
                "CURL_CA_BUNDLE": str(authority),
                "GOOGLE_AUTH_TOKEN_FOR_TESTING": TOKEN,
            },
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert store.strays == []


def _handler(store: ObjectStore, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is two writes, and a client waits 40 ms before it confirms one

        def do_CONNECT(self) -> None:
            if self.path.partition(":")[0] not in HOSTS:  # no test reaches the outside network
                self.close_connection = True
                self.send_error(403)
                return
            self.send_response(200, "Connection established")
            self.end_headers()
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except (OSError, ssl.SSLError):
                self.close_connection = True
                return
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = _Writer(self.connection)  # type: ignore[assignment]
            self.close_connection = False

        def _reply(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":  # TensorFlow also sends a length
                body = b"".join(self._chunks())
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, answer = store.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        do_GET = do_POST = do_PUT = do_DELETE = _reply

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Writer:
    """The file object to which `http.server` writes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self.closed = connection, False

    def write(self, content: bytes) -> int:
        self._connection.sendall(content)
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def _certificates(folder: Path) -> tuple[Path, Path]:
    """Makes an authority's certificate, and a file with a key and a certificate that it signed for Google's hosts."""
    now = datetime.datetime.now(datetime.timezone.utc)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]  # its handshakes are quick
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("tests", HOSTS[0])]

    def build(subject: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(names[subject])
            .issuer_name(names[0])
            .public_key(keys[subject].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    authority = build(0).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    hosts = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    signed = [
        each.sign(keys[0], hashes.SHA256()) for each in (authority, build(1).add_extension(hosts, critical=False))
    ]
    pem = [each.public_bytes(serialization.Encoding.PEM) for each in signed]
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(pem[0])
    (folder / "server.pem").write_bytes(private + pem[1])
    return folder / "authority.pem", folder / "server.pem"
