"""The routes that take something: logins and events."""

import asyncio
import dataclasses
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import openapi
from service.api.bodies import json_of, parsed
from service.api.errors import ApiError, bad_request
from service.api.guard import address_of, denied, too_many
from service.api.posted import EventBody, LoginBody
from service.api.responses import PERSONAL, JsonResponse
from service.auth.errors import AuthError, TooManyError
from service.events.event import Event, EventError
from service.events.statistics import statistics
from service.site import Site

BATCH = "events"
"""The field of a body that holds several events."""


def writing_routes(router: APIRouter, site: Site) -> None:
    """Adds the routes.

    Args:
        router: The application's own.
        site: What takes them.
    """
    limits = site.config.service.limits

    @router.post("/v1/events", **openapi.POST_EVENTS)
    async def post_events(request: Request) -> Response:
        body = await json_of(request)
        if isinstance(body, dict) and BATCH in body:
            if len(body) > 1 or not isinstance(body[BATCH], list):
                raise bad_request("must be a list, and the only field of the body", BATCH)
            if len(body[BATCH]) > limits.batch:
                raise bad_request(f"holds {len(body[BATCH])} events; at most {limits.batch} are taken at once", BATCH)
            events = [_event(site, one, f"{BATCH}[{n}]") for n, one in enumerate(body[BATCH])]
        else:
            events = [_event(site, body, "")]
        added = await site.writer.add(events)
        for event in events:
            site.metrics.events.labels(event.type, "taken").inc()
        return JsonResponse(added, headers=PERSONAL)

    @router.get("/v1/events/statistics", **openapi.GET_STATISTICS)
    async def get_statistics(_: Request) -> Response:
        found = await asyncio.to_thread(statistics, site.database)
        return JsonResponse({"positions": [dataclasses.asdict(one) for one in found]}, headers=PERSONAL)

    if site.login is not None:
        login, tokens = site.login, site.tokens

        @router.post("/v1/login", **openapi.POST_LOGIN)
        async def post_login(request: Request) -> Response:
            body = parsed(LoginBody, await json_of(request))
            try:
                identity = await login.identity(body.user, body.password, address_of(request.scope))
            except AuthError as e:
                site.metrics.denied.labels(e.reason).inc()
                raise denied(e) from None
            except TooManyError as e:
                raise too_many(e) from None
            assert tokens is not None
            answer = {
                "access_token": tokens.issue(identity),
                "token_type": "Bearer",
                "expires_in": site.token_seconds,
                "scopes": sorted(identity.scopes),
            }
            return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _event(site: Site, value: Any, where: str) -> Event:
    body = parsed(EventBody, value, where)
    try:
        site.vocabulary.check(body.type)
        return body.event()
    except EventError as e:
        field, _, message = str(e).partition(": ")
        raise _in(where, field, message) from None


def _in(where: str, field: str, message: str) -> ApiError:
    return bad_request(message, f"{where}.{field}" if where else field)
