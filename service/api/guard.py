"""Lets a request through, or not: tokens, scopes, and how often a client may ask. Plain ASGI, for speed."""

from starlette.types import ASGIApp, Receive, Scope, Send

from configs.service.limits import Limits
from service.api.errors import ApiError
from service.api.metrics import Metrics
from service.auth.errors import AuthError, TooManyError
from service.auth.rate_limit import RateLimit, client_of
from service.auth.scopes import Scope as Permission
from service.auth.scopes import require
from service.auth.tokens import Tokens

LOGIN = "/v1/login"

PREFIX = "/v1/"
"""Paths below it are guarded."""

_NEEDED: dict[str, Permission] = {"/v1/events": "events", "/v1/events/statistics": "admin"}
"""What a path needs; every other path of `/v1` needs `read`."""

_BEARER = "bearer "


class Guard:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, tokens: Tokens | None, limits: Limits, metrics: Metrics) -> None:
        """Wraps an application.

        Args:
            app: The application inside.
            tokens: Checks tokens; None: everybody may do everything.
            limits: How often a client may ask.
            metrics: Counts who is sent away.
        """
        self._app = app
        self._tokens = tokens
        self._metrics = metrics
        per_second = limits.requests_per_second
        self._rate = None if per_second is None else RateLimit(per_second, limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks one request."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        subject = None
        if self._tokens is not None and scope["path"] != LOGIN:
            try:
                identity = self._tokens.identity(_token(scope))
                require(identity.scopes, _NEEDED.get(scope["path"], "read"))
            except AuthError as e:
                self._metrics.denied.labels(e.reason).inc()
                raise denied(e) from None
            subject = identity.name
        if self._rate is not None:
            try:
                self._rate.take(client_of(address_of(scope), subject))
            except TooManyError as e:
                raise too_many(e) from None


def denied(error: AuthError) -> ApiError:
    """Says in HTTP that a caller may not; which of many reasons it has is for metrics alone."""
    if error.reason == "scope":
        return ApiError(403, "forbidden", str(error))
    return ApiError(401, "unauthorized", str(error), headers={"WWW-Authenticate": "Bearer"})


def too_many(error: TooManyError) -> ApiError:
    """Says in HTTP that a client asks too often."""
    return ApiError(429, "too_many", str(error), headers={"Retry-After": str(max(1, round(error.retry_seconds)))})


def address_of(scope: Scope) -> str:
    """The client's IP address; empty for a Unix socket."""
    client = scope.get("client")
    return "" if client is None else str(client[0])


def _token(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            if text[: len(_BEARER)].lower() == _BEARER:
                return text[len(_BEARER) :].strip()
    return None
