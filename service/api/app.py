"""Puts the application together: routes, errors, surroundings."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from common.errors import QueryError
from service.api.direct import ANSWERED, Direct
from service.api.errors import ApiError, bad_request, unavailable
from service.api.guard import Guard
from service.api.middleware import Surroundings, fault
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
        title="Perennial", version="1", description=_DESCRIPTION, docs_url=None, redoc_url=None, lifespan=life
    )
    routers, handle = (reading_routes(site), writing_routes(site), state_routes(site)), _handler(site)
    for router in routers:
        app.include_router(router)
    for error in ANSWERED:
        app.add_exception_handler(error, handle)
    app.add_exception_handler(Exception, _fault)
    limits = site.config.service.limits
    direct = Direct(app, (route for router in routers for route in router.routes), handle)
    return Surroundings(Guard(direct, site.tokens, limits, site.metrics), site.metrics, limits.body_bytes)


def _handler(site: Site) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_: Request, error: Exception) -> Response:
        found = api_error(error)
        if isinstance(error, (BackendError, OverloadedError)):
            site.metrics.model_errors.labels(found.code).inc()
        return found.response()

    return handle


def api_error(error: Exception) -> ApiError:
    """Says an error of ours, or of Starlette, in HTTP."""
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
        code = {404: "no_such_path", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        return ApiError(error.status_code, code, error.detail, headers=error.headers)
    raise error


async def _fault(_: Request, __: Exception) -> Response:
    return fault()
