"""Sends the head and the body of an answer in one write.

uvicorn writes them one after the other, and each write is a call of the kernel that wakes the client: a tenth of the
CPU time of a request.
"""

import asyncio
from typing import Any


class OneWrite:
    """A transport that writes at the end of the event loop's turn what was written in it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Stands before a transport; what is not here is the transport's own."""
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keeps bytes until the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Writes what is kept, and closes the connection."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Ends the connection at once."""
        self._waiting.clear()
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.writelines(waiting)
