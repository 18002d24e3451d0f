"""The routes that take something: logins and events."""

import asyncio
import dataclasses
from datetime import datetime, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, field_validator
from starlette.responses import Response

from service.api import openapi
from service.api.bodies import json_of, parsed
from service.api.errors import ApiError, bad_request
from service.api.guard import address_of, denied, too_many
from service.api.responses import PERSONAL, JsonResponse
from service.auth.errors import AuthError, TooManyError
from service.events.event import MICROSECONDS, Event, EventError, EventType
from service.events.statistics import statistics
from service.queries.query import Query
from service.site import Site

BATCH = "events"
"""The field of a body that holds several events."""


class LoginBody(Query):
    """The body of `/v1/login`."""

    user: Annotated[str, Field(min_length=1, max_length=256)]
    """The name."""

    password: Annotated[str, Field(min_length=1, max_length=1024, repr=False)]
    """The password."""


class EventBody(Query):
    """An event. `service.events.event` says more about each field."""

    event_id: str | None = None
    """Its id: sent again with the same id, it counts once."""

    type: EventType
    """What happened."""

    user: str
    """Who did it."""

    item: str
    """With what."""

    time: Annotated[float, Field(ge=0, le=4_102_444_800)] | str | None = None
    """When, in Unix seconds or ISO 8601; without it, now."""

    value: float | None = None
    """The rating, for the type `rating`."""

    recommendation_id: str | None = None
    """That of the answer that led to it."""

    @field_validator("time")
    @classmethod
    def _is_a_time(cls, time: float | str | None) -> float | None:
        if not isinstance(time, str):
            return time
        try:
            read = datetime.fromisoformat(time.replace("Z", "+00:00"))  # Python 3.10 does not know the Z
        except ValueError:
            raise ValueError("must be Unix seconds or a time in ISO 8601, such as 2026-11-30T12:00:00Z") from None
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()

    def event(self) -> Event:
        """Returns the event.

        Raises:
            EventError: A field is out of its bounds.
        """
        time = None if self.time is None else round(float(self.time) * MICROSECONDS)
        return Event(self.type, self.user, self.item, time, self.event_id, self.value, self.recommendation_id)


def writing_routes(site: Site) -> APIRouter:
    """Makes the routes.

    Args:
        site: What takes them.
    """
    router = APIRouter()
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
    async def get_statistics() -> Response:
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

    return router


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
