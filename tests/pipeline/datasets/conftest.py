"""Fixtures: a data folder for each test, and a web server on this machine."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """The folder in PERENNIAL_DATA; it does not exist yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("PERENNIAL_DATA", str(folder))
    return folder


class Web:
    """Holds pages by path, and the requested paths."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        self.pages = {}
        self.asked = []
        self.released = threading.Event()
        """A page that is None sends nothing until this is set."""


@pytest.fixture
def web():
    """A running web server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(self.path)
            if self.path not in site.pages:
                self.send_error(404)
                return
            page = site.pages[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(page or b"late")))
            self.end_headers()
            if page is None:
                site.released.wait(20)
            else:
                self.wfile.write(page)

        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield site
    site.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
