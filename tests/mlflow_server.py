"""A real MLflow server on the loopback, for tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

_START_SECONDS = 300.0
"""It makes a database first; that takes a minute on a busy machine."""


@contextlib.contextmanager
def running_mlflow(folder: Path) -> Iterator[str]:
    """Runs a server with a database in a folder, and gives its address.

    Args:
        folder: An empty one.
    """
    port = free_port()
    store = [f"--backend-store-uri=sqlite:///{folder}/mlflow.db", f"--artifacts-destination={folder}/artifacts"]
    where = ["--host=127.0.0.1", f"--port={port}", "--workers=1"]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("wb") as log:
        # Its workers are processes of the same session.
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, *where],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, folder / "server.log")
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of the loopback at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        time.sleep(0.2)
    raise AssertionError(f"MLflow does not answer at {address}: {log.read_text(errors='replace')[-2000:]}")
