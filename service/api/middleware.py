"""What surrounds every request: its id, the bound of its body, answers to errors, metrics. Plain ASGI, for speed."""

import logging
import time
import traceback
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import PerennialError
from service.api.errors import ApiError, error_response
from service.api.metrics import Metrics
from service.api.responses import JsonResponse

_logger = logging.getLogger("perennial.service")

_NO_ROUTE = "none"
"""The route of a path that does not exist."""


class FaultError(PerennialError):
    """A request failed by a fault of the service. The message says which request, and nothing of what it asked."""


class Surroundings:
    """The outermost application."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        max_body_bytes: int,
        *,
        answer_to: Callable[[Scope, Exception], ApiError | None] = lambda _, e: e if isinstance(e, ApiError) else None,
    ) -> None:
        """Wraps an application.

        Args:
            app: The application inside.
            metrics: Counts requests.
            max_body_bytes: Larger bodies are answered with 413.
            answer_to: Says an error of the application in HTTP; None if it is a fault.
        """
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._answer_to = answer_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = uuid.uuid4().hex
        status = 0
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise _too_large(self._max_body_bytes)
            return message

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
            if length.isdigit() and int(length) > self._max_body_bytes:
                raise _too_large(self._max_body_bytes)
            await self._app(scope, bounded, marked)
        except Exception as e:  # noqa: BLE001, for a fault it raises another one
            answer = self._answer_to(scope, e)
            if status or answer is None:
                if not status:
                    await _fault()(scope, receive, marked)
                # Where it was raised, and not what it says: that may hold an id.
                trace = "".join(traceback.format_tb(e.__traceback__))
                _logger.error("request %s failed with %s:\n%s", request_id, type(e).__name__, trace)
                # Not `e`: uvicorn logs what it gets, with its text.
                raise FaultError(f"request {request_id} failed with {type(e).__name__}") from None
            await answer.response()(scope, receive, marked)
        finally:
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)


def _fault() -> JsonResponse:
    """The answer to a request that failed by a fault of the service."""
    return error_response(500, "internal", "this is a fault of the service; its log names it by X-Request-Id.")


def _too_large(limit: int) -> ApiError:
    return ApiError(413, "too_large", f"the body has more than {limit} bytes; send less at once.")
