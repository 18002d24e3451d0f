"""Events for tests."""

from typing import Any

from configs.log import LogSettings
from configs.service.events import EventTypes
from service.events.event import Event, StoredEvent
from service.events.recommendation_id import RecommendationIds
from service.events.store import EventStore
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


def token(ids: RecommendationIds, version: int, items: list[str], first: int = 0, never: str = "never shown") -> str:
    """A token that tells its items apart, and has no place for one that was never shown: all but 1 in 10,000 do."""
    while True:
        made = ids.encode(version, 1_796_000_000, items, first)
        said = ids.decode(made)
        assert said is not None
        if [said.position(item) for item in items] == [*range(first, first + len(items))] and not said.position(never):
            return made


def newest(store: EventStore, user: str, after_export: int | None = None, limit: int = 10) -> list[StoredEvent] | None:
    """The newest events of one user."""
    [found] = store.newest([(user, after_export)], limit)
    return found
