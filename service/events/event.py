"""What somebody did with an item: the event, its bounds, and the id of one that has none."""

import hashlib
import math
import uuid
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from common.errors import PerennialError
from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.tables import MAX_EVENT_ID_BYTES

EventType = Literal["view", "basket", "purchase", "rating"]

TYPES: tuple[EventType, ...] = get_args(EventType)

MICROSECONDS = 1_000_000

MAX_FUTURE_SECONDS = 86_400
"""How far an event's time may be ahead of this machine's clock: as far as `log.cleaning.max_future_seconds` lets the
log's by default, as it ends there."""

_MAX_TOKEN_CHARACTERS = 255
"""More than the longest `recommendation_id`. Whether it is one of ours is not decided here."""


class EventError(PerennialError):
    """An event cannot be taken. The message names the field, and never its value."""


class StoredEvent(NamedTuple):
    """What the next answer needs of an event: a tuple, as an answer may read a hundred of them."""

    type: EventType
    item: str
    time: int
    """Microseconds since 1970."""

    value: float | None


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        type: What happened.
        user: The user's id.
        item: The item's id.
        time: When it happened, in microseconds since 1970; None: when it arrives.
        event_id: Its id. Of two events with one id, the first one counts. None: see `with_defaults`.
        value: The rating; None for other types.
        recommendation_id: That of the answer that the user saw; None if there was none.

    Raises:
        EventError: A field is out of its bounds.
    """

    type: EventType
    user: str = field(repr=False)
    item: str = field(repr=False)
    time: int | None = None
    event_id: str | None = field(default=None, repr=False)
    value: float | None = field(default=None, repr=False)
    recommendation_id: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise EventError(f"type: must be one of {', '.join(TYPES)}.")
        for name, text, most in (
            ("user", self.user, MAX_ID_BYTES),
            ("item", self.item, MAX_ID_BYTES),
            ("event_id", "-" if self.event_id is None else self.event_id, MAX_EVENT_ID_BYTES),
        ):
            if not text or not is_storable(text, most):
                raise EventError(f"{name}: must have 1 to {most} bytes of UTF-8, and no NUL character.")
        if self.time is not None and self.time < 0:
            raise EventError("time: must not be before 1970.")
        if (self.value is None) == (self.type == "rating"):
            raise EventError("value: a rating needs one, and other types have none.")
        if self.value is not None and not math.isfinite(self.value):
            raise EventError("value: must be a finite number.")
        if self.recommendation_id is not None and len(self.recommendation_id) > _MAX_TOKEN_CHARACTERS:
            raise EventError(f"recommendation_id: must have at most {_MAX_TOKEN_CHARACTERS} characters.")

    def check_time(self, now: int) -> None:
        """Checks that the event is not in the future, as one that arrives must not be.

        Args:
            now: Microseconds.

        Raises:
            EventError: It is more than a day ahead.
        """
        if self.time is not None and self.time > now + MAX_FUTURE_SECONDS * MICROSECONDS:
            raise EventError("time: must not be more than a day ahead of this service's clock.")

    def identity(self) -> str:
        """The id under which the event is stored.

        Without one of its own, an event that has a time gets one from its content, so that a client that sends it again
        does not count it twice; two such events within one microsecond are then one. An event without id and time gets
        a random one: it cannot be told from another look at the same item.
        """
        if self.event_id is not None:
            return self.event_id
        if self.time is None:
            return f"random:{uuid.uuid4().hex}"
        content = (self.type, self.user, self.item, str(self.time), repr(self.value), self.recommendation_id or "")
        # No field has a NUL character but the last one, so no two contents have the same text.
        text = "\0".join(content)
        return f"content:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
