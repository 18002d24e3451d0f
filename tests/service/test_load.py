"""What a request costs the service, at the size of its goals: CPU time, as latency on shared machines says nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.load import shop
from tests.bench.load.flat_out import cost
from tests.bench.load.http import get, post
from tests.once import once
from tests.service.served_shop import Service, running
from tests.slowdown import slowdown

ITEMS = 10_000

GOAL_MS = 0.5

FACTOR = 2
"""CPU time repeats within some 15 %; the model's threads may double theirs when they must wait."""

REQUESTS = 2000


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    def make(place: Path) -> None:
        shop.make_shop(place, ITEMS, rows=300_000)

    folder = once("load", make)
    with running(folder / "load.yaml") as served:
        served.until("in service. Try")
        yield served


def measured(service: Service, requests: list[bytes]) -> float:
    """CPU milliseconds of a request, as if nothing else were at work here."""
    before = slowdown()
    found = cost(service.process.pid, service.port, requests, REQUESTS)
    return found.total / ((before + slowdown()) / 2)


@pytest.mark.e2e
def test_request_with_a_history_of_20_takes_half_a_millisecond_of_cpu_time(service: Service) -> None:
    found = measured(service, [get(path) for path in shop.queries(ITEMS)])
    assert found < FACTOR * GOAL_MS


@pytest.mark.e2e
def test_request_of_a_user_takes_at_most_as_much_again(service: Service) -> None:
    found = measured(service, [get(path) for path in shop.users()])
    assert found < FACTOR * 2 * GOAL_MS


@pytest.mark.e2e
def test_event_takes_half_a_millisecond_of_cpu_time(service: Service) -> None:
    found = measured(service, [post("/v1/events", shop.event(n)) for n in range(REQUESTS + 1000)])
    assert found < FACTOR * GOAL_MS
