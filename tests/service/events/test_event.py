"""The bounds of an event, and its id."""

from typing import Any

import pytest

from service.events.event import MAX_FUTURE_SECONDS, Event, EventError
from tests.service.events.samples import view

GOOD: dict[str, Any] = {"type": "view", "user": "u", "item": "i"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"type": "look"}, "type: must be one of view, basket, purchase, rating"),
        ({"user": ""}, "user: must have 1 to 512 bytes"),
        ({"user": "é" * 257}, "user: must have 1 to 512 bytes"),
        ({"user": "a\0b"}, "user: must have"),
        ({"item": "\ud800"}, "item: must have"),
        ({"item": "x" * 513}, "item: must have"),
        ({"event_id": ""}, "event_id: must have 1 to 128"),
        ({"event_id": "x" * 129}, "event_id: must have 1 to 128"),
        ({"time": -1}, "time: must not be before 1970"),
        ({"value": 1.0}, "value: a rating needs one"),
        ({"type": "rating"}, "value: a rating needs one"),
        ({"type": "rating", "value": float("nan")}, "value: must be a finite number"),
        ({"type": "rating", "value": float("inf")}, "value: must be a finite number"),
        ({"recommendation_id": "x" * 256}, "recommendation_id: must have at most 255"),
    ],
)
def test_event_out_of_bounds_is_refused_by_field(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(EventError, match=said):
        Event(**{**GOOD, **changed})


def test_event_at_its_bounds_is_taken() -> None:
    Event(**{**GOOD, "user": "é" * 256, "item": " ", "event_id": "x" * 128, "time": 0})
    Event(**{**GOOD, "type": "rating", "value": -0.0})


def test_event_a_day_ahead_is_taken_and_a_moment_more_is_not() -> None:
    ahead = 10**15 + MAX_FUTURE_SECONDS * 1_000_000
    view("u", "i", ahead).check_time(10**15)
    view("u", "i").check_time(0)
    with pytest.raises(EventError, match="a day ahead"):
        view("u", "i", ahead + 1).check_time(10**15)


def test_event_shows_nothing_about_the_user() -> None:
    shown = repr(Event("rating", "U-secret", "I-secret", 5, "E-secret", 4.25, "R-secret"))
    assert "secret" not in shown and "4.25" not in shown


def test_identity_without_an_id_follows_from_the_content_if_there_is_a_time() -> None:
    same = {view("u", "i", 7).identity() for _ in range(2)}
    others = {
        view("u", "i", 8).identity(),
        view("i", "u", 7).identity(),
        Event("basket", "u", "i", 7).identity(),
        Event("rating", "u", "i", 7, value=1.0).identity(),
        view("u", "i", 7, recommendation_id="r").identity(),
    }
    assert len(same) == 1
    assert len(same | others) == 6
    assert view("u", "i", 7, event_id="mine").identity() == "mine"


def test_identity_without_id_and_time_is_new_each_time() -> None:
    event = view("u", "i")
    assert event.identity() != event.identity()
