"""Puts the application together: routes, errors, surroundings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from common.errors import QueryError
from service.api.direct import DirectRoute
from service.api.errors import ApiError, bad_request, unavailable
from service.api.guard import Guard
from service.api.item_paths import EncodedItems
from service.api.middleware import Surroundings
from service.api.openapi import secured
from service.api.routes import reading_routes
from service.api.state import state_routes
from service.api.writing import writing_routes
from service.backends.backend import BackendError, BackendRefusedError
from service.batching import OverloadedError
from service.database.errors import DatabaseError
from service.events.event import EventError
from service.queries.catalogue import NotFoundError
from service.site import Site
from service.versions.manager import GoneError, NotReadyError

_DESCRIPTION = """Recommendations from the model that the pipeline pushed last. Every answer names the version of the
model; every error has the shape `{"error": {"code", "message", "field"}}`."""

_OF_STARLETTE = {
    404: ("no_such_path", "there is no such path; the OpenAPI at /openapi.json lists them."),
    405: ("method_not_allowed", "the path does not have this method; the header Allow names those that it has."),
}
"""Code and message of what the framework answers by itself."""


def create_app(site: Site) -> ASGIApp:
    """Makes the application; it starts and closes the site with its own life.

    Args:
        site: What answers.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        site.start()
        yield
        await site.close()

    # Without FastAPI's pages of documentation, which load scripts from another host.
    app = FastAPI(
        title="Perennial",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        redirect_slashes=False,  # such an answer is in no contract
    )
    app.router.route_class = DirectRoute
    for add_routes in (reading_routes, writing_routes, state_routes):
        add_routes(app.router, site)
    describe = app.openapi
    # FastAPI's documentation extends the OpenAPI in this way; mypy takes it for a mistake.
    app.openapi = lambda: describe() if site.tokens is None else secured(describe())  # type: ignore[method-assign]

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        # Past the middleware of FastAPI and Starlette, which would do once more what `Surroundings` does.
        scope["app"] = app
        await app.router(scope, receive, send)

    def answer_to(scope: Scope, error: Exception) -> ApiError | None:
        found = api_error(error)
        if found is not None and found.status == 405:
            # Starlette names the methods of one route alone; a path may have two.
            methods = app.openapi()["paths"].get(getattr(scope.get("route"), "path", ""), {})
            found.headers |= {"Allow": ", ".join(sorted(method.upper() for method in methods))} if methods else {}
        if found is not None and isinstance(error, (BackendError, OverloadedError)):
            site.metrics.model_errors.labels(found.code).inc()
        return found

    limits = site.config.service.limits
    guard = Guard(EncodedItems(routed), site.tokens, limits, site.metrics)
    return Surroundings(guard, site.metrics, limits.body_bytes, answer_to=answer_to)


def api_error(error: Exception) -> ApiError | None:
    """Says an error of ours, or of Starlette, in HTTP; None for a fault."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, (QueryError, EventError)):
        field, _, _ = str(error).partition(":")
        return bad_request(str(error), field.split(",")[0] if field.isidentifier() or "," in field else None)
    if isinstance(error, NotFoundError):
        return ApiError(404, "not_found", str(error))
    if isinstance(error, GoneError):
        return ApiError(410, "version_gone", str(error))
    if isinstance(error, NotReadyError):
        return unavailable("not_ready", str(error), 5)
    if isinstance(error, OverloadedError):
        return unavailable("overloaded", str(error))
    if isinstance(error, BackendRefusedError):
        return ApiError(400, "refused_by_model", "the model refuses this query.")
    if isinstance(error, BackendError):
        return unavailable("model_unavailable", "the model does not answer now; try again in a moment.")
    if isinstance(error, DatabaseError):
        return unavailable("database_unavailable", "the database does not answer now; try again in a moment.")
    if isinstance(error, HTTPException):
        code, message = _OF_STARLETTE.get(error.status_code, ("http_error", error.detail))
        return ApiError(error.status_code, code, message, headers=error.headers)
    if isinstance(error, ClientDisconnect):
        return bad_request("the client has gone before the end of its body")  # nobody gets it
    return None
