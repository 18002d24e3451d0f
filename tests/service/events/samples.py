"""Events for tests."""

from typing import Any

from configs.log import LogSettings
from configs.service.events import EventTypes
from service.events.event import Event
from service.events.vocabulary import Vocabulary, vocabulary

SHOP = {"view": 0.5, "addtocart": 2.0, "transaction": 6.0}
NAMES = EventTypes(basket="addtocart", purchase="transaction")


def shop_words(**cleaning: Any) -> Vocabulary:
    """A log of event types that calls a basket `addtocart` and a purchase `transaction`."""
    log = {"columns": {"value": "event"}, "event_weights": SHOP, "cleaning": cleaning}
    return vocabulary(LogSettings.model_validate(log), NAMES)


def rating_words(**cleaning: Any) -> Vocabulary:
    """A log of ratings."""
    log = {"columns": {"value": "stars"}, "cleaning": cleaning}
    return vocabulary(LogSettings.model_validate(log), NAMES)


def plain_words() -> Vocabulary:
    """A log without a value column."""
    return vocabulary(LogSettings(), NAMES)


def view(user: str, item: str, time: int | None = None, **fields: Any) -> Event:
    """A look at an item."""
    return Event("view", user, item, time, **fields)
