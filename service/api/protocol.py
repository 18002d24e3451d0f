"""Bounds what a client may send before an application sees it: how long it takes, and how large the head is.

uvicorn has no such bounds with httptools. Without them a client holds a connection for ever by sending a byte a minute,
and memory by a header without an end. It also answers in plain text what is no HTTP; here all errors have one shape.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from configs.service.limits import Limits
from service.api.errors import ApiError
from service.api.one_write import OneWrite

_HEAD_BYTES = 65_536
"""Longest URL with all headers; the parser cannot hold a longer URL. One part that the network delivers at once, some
hundred kilobytes, may go above it."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection of a client."""

    limits = Limits()

    _timer: asyncio.TimerHandle | None = None
    _unread = 0
    """Bytes of a URL, of headers, or of trailers (which follow a body in chunks), that are not at their end."""
    _is_complete = _is_head = _is_going_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        # The types: asyncio declares every transport, and uvicorn takes those alone that can write, as this one can.
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes a part of a request."""
        self._is_going_on = False
        super().data_received(data)
        if self._is_complete:
            self._stop_waiting()
            return
        self._wait()
        self._unread = 0 if self._is_going_on else self._unread + len(data)
        if self._unread <= _HEAD_BYTES:
            return
        if self._is_head and not self.headers:
            self._refuse(
                ApiError(414, "url_too_long", f"the URL has more than {_HEAD_BYTES} bytes; send JSON instead.")
            )
        else:
            self._refuse(ApiError(431, "head_too_large", f"the headers have more than {_HEAD_BYTES} bytes."))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._unread, self._is_head, self._is_complete = 0, True, False

    def on_headers_complete(self) -> None:
        """Its body begins."""
        super().on_headers_complete()
        self._is_head, self._is_going_on = False, True

    def on_body(self, body: bytes) -> None:
        """A part of it is here."""
        super().on_body(body)
        self._is_going_on = True

    def on_message_complete(self) -> None:
        """A request is here."""
        super().on_message_complete()
        self._is_complete = True

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP."""
        self._refuse(ApiError(400, "invalid_http", "this is no HTTP request, or its URL is too long."))

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.receive_seconds, self._late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self.cycle is None and not self._is_head:
            self.transport.close()  # nothing was asked
            return
        seconds = f"{self.limits.receive_seconds:g}"
        self._refuse(ApiError(408, "too_slow", f"the request was not here after {seconds} s; send it at once."))

    def _refuse(self, error: ApiError) -> None:
        """Answers by itself, unless the application has begun to, and closes the connection."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self.cycle is None or self._is_head or self._is_complete:  # between two requests, or in a head
            is_free = self.cycle is None or self.cycle.response_complete
        else:
            is_free = not self.cycle.response_started
        if is_free:
            response = error.response()
            lines = [STATUS_LINE[error.status]]
            lines += [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
            self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", bytes(response.body)]))
        self.transport.close()


def bounded(limits: Limits) -> type[BoundedProtocol]:
    """Makes the class of a server's connections.

    Args:
        limits: The config's.
    """
    return type("Bounded", (BoundedProtocol,), {"limits": limits})
