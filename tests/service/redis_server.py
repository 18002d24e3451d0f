"""A real Redis server of the system's package, for tests; they are skipped where it is missing."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.service.served_shop import wait_until


@contextlib.contextmanager
def running_redis(*options: str) -> Iterator[str]:
    """Runs a server that keeps nothing on the disk, and gives its address.

    Args:
        *options: Further ones of `redis-server`.
    """
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis on this machine: apt-get install redis-server")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _takes_connections(path), lambda: f"status {process.poll()}")
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.communicate()


def client(url: str) -> "redis.Redis":
    """A client of its own."""
    return redis.Redis.from_url(url, decode_responses=True)


def _takes_connections(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False
