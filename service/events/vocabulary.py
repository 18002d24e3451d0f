"""What the log can say about an event: its word, its value, and its weight in a history.

A log with `event_weights` has words for events. One with a value column and without weights has ratings. One without a
value column has plain rows, and each event is one.
"""

from dataclasses import dataclass
from typing import Literal

from configs.log import LogSettings
from configs.service.events import EventTypes
from service.events.event import TYPES, Event, EventError, EventType, StoredEvent


@dataclass(frozen=True)
class Vocabulary:
    """What the log can say. Made by `vocabulary`."""

    column: Literal["event", "value"] | None
    """The column of an export that holds the word or the rating; None for plain rows."""

    words: dict[EventType, str]
    """The types that the log can express, and what it calls them; only `event` logs use the word."""

    _weights: dict[str, float]
    _least: float | None

    def check(self, event_type: EventType) -> None:
        """Checks that the log can express a type.

        Raises:
            EventError: It cannot; the message says what the config would have to say.
        """
        if event_type in self.words:
            return
        able = ", ".join(self.words) or "none"
        if self.column == "value":
            why = "the log's value column holds ratings"
        elif event_type == "rating":
            why = "the log has no ratings"
        else:
            why = f"log.event_weights has no word for it; service.event_types.{event_type} names it"
        raise EventError(f"type: {event_type} events cannot go into the log, because {why}. Possible types: {able}.")

    def weight(self, event: Event | StoredEvent) -> float | None:
        """The weight of an event in a history; None if the log would not count it as an interaction.

        Args:
            event: Of a type that passes `check`; any other has no weight.
        """
        word = self.words.get(event.type)
        if word is None:
            return None
        value = event.value if self.column == "value" else self._weights.get(word, 1.0)
        if self._least is not None and (value is None or value < self._least):
            return None
        return value if self.column == "event" else 1.0


def vocabulary(log: LogSettings, names: EventTypes) -> Vocabulary:
    """Finds out what the log can say.

    Args:
        log: The config's `log`.
        names: The config's `service.event_types`.
    """
    # What is added up may reach the least value with a later event.
    least = None if log.cleaning.deduplicate == "sum" else log.cleaning.positive_min
    if log.columns.value is None:
        return Vocabulary(None, {event_type: event_type for event_type in TYPES}, {}, least)
    if log.event_weights is None:
        return Vocabulary("value", {"rating": "rating"}, {}, least)
    named: dict[EventType, str] = {"view": names.view, "basket": names.basket, "purchase": names.purchase}
    words = {event_type: word for event_type, word in named.items() if word in log.event_weights}
    return Vocabulary("event", words, dict(log.event_weights), least)
