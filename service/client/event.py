"""An event as a client sends it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Event:
    """Something that a user did with an item.

    Attributes:
        type: What happened.
        user: The user's id.
        item: The item's id.
        time: When it happened, with a time zone; None: when it arrives.
        value: The rating, for the type `rating`.
        recommendation_id: That of the answer that led to it.
        event_id: Made here, so that an event that is sent again counts once.
    """

    type: Literal["view", "basket", "purchase", "rating"]
    user: str = field(repr=False)
    item: str = field(repr=False)
    time: datetime | None = None
    value: float | None = None
    recommendation_id: str | None = None
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if self.time is not None and self.time.tzinfo is None:
            raise ValueError("time: must have a time zone, such as datetime.now(timezone.utc). Received: one without")

    def body(self) -> dict[str, Any]:
        """The event as JSON values."""
        values = {
            "event_id": self.event_id,
            "type": self.type,
            "user": self.user,
            "item": self.item,
            "time": None if self.time is None else self.time.timestamp(),
            "value": self.value,
            "recommendation_id": self.recommendation_id,
        }
        return {name: value for name, value in values.items() if value is not None}
