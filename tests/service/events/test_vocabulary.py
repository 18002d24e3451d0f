"""What each kind of log can say about events."""

import pytest

from configs.log import LogSettings
from configs.service.events import EventTypes
from service.events.event import TYPES, Event, EventError
from service.events.vocabulary import vocabulary
from tests.service.events.samples import plain_words, rating_words, shop_words, view


def rating(value: float) -> Event:
    return Event("rating", "u", "i", value=value)


def test_log_with_event_weights_has_its_own_words_and_no_ratings() -> None:
    words = shop_words()
    assert words.column == "event"
    assert words.words == {"view": "view", "basket": "addtocart", "purchase": "transaction"}
    assert [words.weight(Event(kind, "u", "i")) for kind in ("view", "basket", "purchase")] == [0.5, 2.0, 6.0]
    assert words.weight(rating(5.0)) is None
    with pytest.raises(EventError, match="rating events cannot go into the log, because the log has no ratings"):
        words.check("rating")


def test_log_without_a_word_for_a_type_refuses_it_and_names_the_setting() -> None:
    log = LogSettings.model_validate({"columns": {"value": "event"}, "event_weights": {"view": 1, "buy": 5}})
    words = vocabulary(log, EventTypes(purchase="buy"))
    words.check("view")
    words.check("purchase")
    with pytest.raises(EventError, match=r"service.event_types.basket names it\. Possible types: view, purchase\."):
        words.check("basket")
    assert words.weight(Event("basket", "u", "i")) is None


def test_log_of_ratings_takes_ratings_alone() -> None:
    words = rating_words()
    assert (words.column, list(words.words)) == ("value", ["rating"])
    assert words.weight(rating(2.5)) == 1.0
    for kind in ("view", "basket", "purchase"):
        with pytest.raises(EventError, match=r"the log's value column holds ratings\. Possible types: rating\."):
            words.check(kind)


def test_log_of_plain_rows_takes_every_type_alike() -> None:
    words = plain_words()
    assert words.column is None
    for kind in TYPES:
        words.check(kind)
    assert words.weight(view("u", "i")) == words.weight(rating(1.0)) == words.weight(Event("purchase", "u", "i")) == 1.0


def test_what_the_log_would_drop_has_no_weight() -> None:
    assert [rating_words(positive_min=4).weight(rating(value)) for value in (3.9, 4.0)] == [None, 1.0]
    assert [shop_words(positive_min=1).weight(Event(kind, "u", "i")) for kind in ("view", "basket")] == [None, 2.0]
    # Three looks together may reach the least value.
    assert shop_words(positive_min=1, deduplicate="sum").weight(view("u", "i")) == 0.5
