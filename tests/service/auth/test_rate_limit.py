"""Token buckets: what passes follows from the clock alone, and memory is bounded."""

import pytest

from service.auth.errors import TooManyError
from service.auth.rate_limit import RateLimit, client_of


def passes(limit: RateLimit, client: str) -> bool:
    try:
        limit.take(client)
    except TooManyError:
        return False
    return True


def test_burst_passes_at_once_and_then_the_average() -> None:
    now = [50.0]
    limit = RateLimit(per_second=2, burst=3, clock=lambda: now[0])
    assert [passes(limit, "a") for _ in range(5)] == [True, True, True, False, False]
    with pytest.raises(TooManyError) as caught:
        limit.take("a")
    assert caught.value.retry_seconds == 0.5
    now[0] = 50.5
    assert [passes(limit, "a") for _ in range(2)] == [True, False]
    now[0] = 1000.0
    assert [passes(limit, "a") for _ in range(5)] == [True, True, True, False, False]


def test_over_a_long_time_as_many_pass_as_the_average_allows() -> None:
    now = [0.0]
    limit = RateLimit(per_second=5, burst=10, clock=lambda: now[0])
    passed = 0
    for step in range(6401):  # 100 seconds, 64 tries a second; steps that a float holds exactly
        now[0] = step / 64
        passed += passes(limit, "a")
    assert passed == 10 + 5 * 100


def test_clients_do_not_share_a_bucket() -> None:
    limit = RateLimit(per_second=1, burst=1, clock=lambda: 0.0)
    assert [passes(limit, client) for client in ("a", "b", "a", "A", "b")] == [True, True, False, True, False]


def test_many_clients_take_bounded_memory_and_the_silent_one_is_forgotten() -> None:
    limit = RateLimit(per_second=1, burst=1, clock=lambda: 0.0, max_clients=3)
    assert [passes(limit, client) for client in "abcad"] == [True, True, True, False, True]
    assert [passes(limit, client) for client in "acd"] == [False, False, False]
    assert passes(limit, "b")
    for number in range(10_000):
        passes(limit, str(number))
    assert len(limit._buckets) == 3


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.0.0.1", "address:10.0.0.1"),
        ("::ffff:10.0.0.1", "address:10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "address:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("", "other:"),
        ("x" * 1000, f"other:{'x' * 64}"),
    ],
)
def test_client_is_an_address_or_a_network_of_one_household(address: str, client: str) -> None:
    assert client_of(address) == client


def test_client_with_a_token_is_its_user_whatever_the_address() -> None:
    assert client_of("10.0.0.1", "shop") == client_of("10.0.0.2", "shop") == "user:shop"
