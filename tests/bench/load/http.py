"""Asks a service over kept connections, cheaply enough that the asking takes little of the machine that is measured.

Only what our own service answers is understood: HTTP/1.1 with a Content-Length.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes


class Connection:
    """One kept connection. One request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connects to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> Reply:
        """Sends a request and waits for its answer.

        Raises:
            OSError, asyncio.IncompleteReadError: The connection has ended.
        """
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        start, *headers = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in headers if line.startswith(b"content-length:")), 0)
        return Reply(int(start.split(b" ", 2)[1]), await self._reader.readexactly(length))

    def close(self) -> None:
        """Ends the connection."""
        self._writer.close()


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request with JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def flat_out(port: int, requests: Sequence[bytes], connections: int, number: int) -> list[Reply]:
    """Asks as fast as the service answers: a closed loop.

    Args:
        port: The service's.
        requests: Are sent in turn, again and again.
        connections: How many ask at a time.
        number: How many requests are sent in all.

    Returns:
        The answers, in any order.
    """
    replies: list[Reply] = []
    sent = iter(range(number))

    async def caller() -> None:
        connection = await Connection.open(port)
        for n in sent:
            replies.append(await connection.ask(requests[n % len(requests)]))
        connection.close()

    await asyncio.gather(*(caller() for _ in range(connections)))
    return replies
