"""Defines the JSON bodies of the routes that take something: a login, an event."""

from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from service.events.event import MICROSECONDS, Event, EventType
from service.queries.query import Query, number, without_nul

_Text = Annotated[str, Field(json_schema_extra={"minLength": 1})]
"""The OpenAPI says it; an event checks the bytes of its ids itself."""


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number or text")
    return value


class LoginBody(Query):
    """The body of `/v1/login`."""

    user: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(without_nul)]
    """The name."""

    password: Annotated[str, Field(min_length=1, max_length=1024, repr=False)]
    """The password."""


class EventBody(Query):
    """An event. `service.events.event` says more about each field."""

    event_id: _Text | None = None
    """Its id: sent again with the same id, it counts once."""

    type: EventType
    """What happened."""

    user: _Text
    """Who did it."""

    item: _Text
    """With what."""

    time: Annotated[Annotated[float, Field(ge=0, le=4_102_444_800)] | str | None, BeforeValidator(_no_boolean)] = None
    """When, in Unix seconds or ISO 8601; without it, now."""

    value: Annotated[float | None, BeforeValidator(number)] = None
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
