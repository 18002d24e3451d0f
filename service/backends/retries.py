"""Tries a call again that found nobody to answer it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.backends.backend import BackendUnavailableError

T = TypeVar("T")

_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.02
"""Pauses of about 20, 40, 80 and 160 ms: enough for a load balancer to choose another server, and too few tries to be a
load of their own."""


class NobodyAnswersError(BackendUnavailableError):
    """The call reached no model: UNAVAILABLE in gRPC's terms. Signatures change nothing, so it may be sent again."""


async def with_retries(attempt: Callable[[float], Awaitable[T]], timeout_seconds: float) -> T:
    """Makes a call, and again after NobodyAnswersError and no other error.

    Args:
        attempt: Makes the call once, within the time that it is given, in seconds.
        timeout_seconds: Time for all attempts.

    Returns:
        What the call returns.

    Raises:
        NobodyAnswersError: That of the last attempt.
    """
    end = time.monotonic() + timeout_seconds
    for number in range(1, _ATTEMPTS):
        try:
            return await attempt(max(0.0, end - time.monotonic()))
        except NobodyAnswersError:
            # Half to one and a half times, so that clients that lost a server together do not come back together.
            pause = _FIRST_PAUSE_SECONDS * 2 ** (number - 1) * (0.5 + random.random())
            if time.monotonic() + pause >= end:
                raise
        await asyncio.sleep(pause)
    return await attempt(max(0.0, end - time.monotonic()))
