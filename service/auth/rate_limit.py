"""How often a client may ask: a token bucket for each, in bounded memory."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from service.auth.errors import TooManyError

MAX_CLIENTS = 100_000
"""Clients that are remembered, some 20 MB. Whoever was silent for longest is forgotten, and has a full bucket again."""


@dataclass
class _Bucket:
    left: float
    filled_at: float


class RateLimit:
    """Buckets of clients. Safe to use from many threads."""

    def __init__(
        self,
        per_second: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        """Makes the buckets.

        Args:
            per_second: Requests of a client on average.
            burst: Requests that a client may make at once after a silence.
            clock: Seconds.
            max_clients: Clients that are remembered.
        """
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._most = max_clients
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> None:
        """Counts a request.

        Args:
            client: Whose it is, see `client_of`.

        Raises:
            TooManyError: It is one too many; it is not counted.
        """
        with self._lock:
            bucket, now = self._bucket(client), self._clock()
            bucket.left = min(self._burst, bucket.left + (now - bucket.filled_at) * self._per_second)
            bucket.filled_at = now
            if bucket.left < 1:
                raise TooManyError((1 - bucket.left) / self._per_second)
            bucket.left -= 1

    def _bucket(self, client: str) -> _Bucket:
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._burst, self._clock())
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(client)
        return bucket


def client_of(address: str, subject: str | None = None) -> str:
    """The name of a client.

    Args:
        address: The IP address. One household or server has a whole /64 of IPv6 addresses, so that is one client.
        subject: The user of the token; None without one.
    """
    if subject is not None:
        return f"user:{subject}"
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return f"other:{address[:64]}"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{parsed}"
