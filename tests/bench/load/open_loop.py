"""Sends requests at times that do not depend on the answers, as people do: an open loop.

A generator that waits for an answer before it sends the next request does not see a stall: it sends nothing meanwhile.
Here each request has its time beforehand, from a Poisson process, and its latency counts from that time on. What the
generator itself is late is part of the figures, and it says how much that is; if it is too much, there is no verdict.

Gil Tene, "How NOT to Measure Latency" (2013), calls the mistake coordinated omission.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.bench.load.http import Connection

MOST_LATE_MS = 20.0
"""The largest 99th percentile of the generator's own lateness with which a verdict is given."""

Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What an open loop has measured.

    Attributes:
        latency: float64 `[n]`, from the intended start to the whole answer.
        late: float64 `[n]`, from the intended start to the true one.
        failed: Number of requests without an answer of status 200; they are in no other figure.
    """

    latency: Milliseconds
    late: Milliseconds
    failed: int

    @property
    def is_valid(self) -> bool:
        """Whether the generator was on time."""
        return percentile(self.late, 99) <= MOST_LATE_MS


def percentile(values: Milliseconds, q: float) -> float:
    """A percentile; infinite for no values."""
    return float(np.percentile(values, q)) if len(values) else float("inf")


async def open_loop(port: int, requests: Sequence[bytes], rate: float, seconds: float, seed: int = 1) -> Measured:
    """Sends requests at a rate.

    Args:
        port: The service's.
        requests: Are sent in turn, again and again.
        rate: Requests a second, on average.
        seconds: How long.
        seed: Of the times.
    """
    random = np.random.default_rng(seed)
    gaps = random.exponential(1 / rate, int(rate * seconds))
    loop = asyncio.get_running_loop()
    times = loop.time() + 0.1 + np.cumsum(gaps)
    idle: list[Connection] = [await Connection.open(port) for _ in range(8)]
    latency: list[float] = []
    late: list[float] = []
    failed = 0

    async def ask(at: float, request: bytes) -> None:
        nonlocal failed
        late.append(loop.time() - at)
        try:
            connection = idle.pop() if idle else await Connection.open(port)
            reply = await connection.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
            return
        if reply.status == 200:
            latency.append(loop.time() - at)
        else:
            failed += 1
        idle.append(connection)

    asking = []
    for n, at in enumerate(times.tolist()):
        if (left := at - loop.time()) > 0:
            await asyncio.sleep(left)
        asking.append(asyncio.ensure_future(ask(at, requests[n % len(requests)])))
    await asyncio.gather(*asking)
    for connection in idle:
        connection.close()
    return Measured(np.array(latency) * 1000.0, np.array(late) * 1000.0, failed)
