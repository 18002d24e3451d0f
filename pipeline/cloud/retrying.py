"""Further attempts at an API call: after what passes by itself, never after a refusal."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from google.api_core import exceptions, retry
from google.auth import exceptions as auth_exceptions
from google.protobuf import json_format

_Result = TypeVar("_Result")

_logger = logging.getLogger("perennial.vertex.api")


@dataclass(frozen=True)
class Patience:
    """How long a call is tried. The pauses grow and are drawn at random up to their length, so that clients part."""

    attempts: int = 6
    """Calls at most. Default 6: with the pauses below, some 30 seconds, which a busy minute's quota may need twice."""

    first_pause_seconds: float = 1.0
    """The longest that the first pause may be; each further one may be twice as long."""

    longest_pause_seconds: float = 20.0
    """The longest of any pause."""

    total_seconds: float = 180.0
    """After which no further attempt begins."""

    call_seconds: float = 60.0
    """After which one call without an answer is given up. Default 60: creating a run takes seconds."""


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed a little later: 429, 5xx, or a connection that broke."""
    if isinstance(error, exceptions.MethodNotImplemented):
        return False
    if isinstance(error, json_format.ParseError):
        # A connection that broke in the middle of a reply: urllib3 1.26 hands on the half that came, and the client
        # library reads it as JSON. urllib3 2 tells it, as ChunkedEncodingError.
        return True
    if isinstance(error, auth_exceptions.GoogleAuthError):
        return bool(error.retryable) or isinstance(error, auth_exceptions.TransportError)
    return isinstance(
        error,
        (
            exceptions.TooManyRequests,
            exceptions.ServerError,
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.JSONDecodeError,  # half a reply, as above: of Cloud Storage
        ),
    )


def may_have_taken_effect(error: BaseException) -> bool:
    """Whether a call that failed so may have been done all the same, its reply lost: of a 429 it was not."""
    return is_transient(error) and not isinstance(error, exceptions.TooManyRequests)


def persistently(call: Callable[[], _Result], patience: Patience) -> _Result:
    """Calls until there is an answer, a refusal, or no patience left.

    Args:
        call: The call; it is repeated as it is, so it must not do a second time what it has done.
        patience: How often and how long.

    Returns:
        What the call returned.
    """
    made = 0

    def counted() -> _Result:
        nonlocal made
        made += 1
        return call()

    def further(error: BaseException) -> bool:
        return made < patience.attempts and is_transient(error)

    def tell(error: BaseException) -> None:
        _logger.warning("Attempt %d of %d failed, trying again: %s", made, patience.attempts, type(error).__name__)

    policy: Any = retry.Retry(
        predicate=further,
        initial=patience.first_pause_seconds,
        maximum=patience.longest_pause_seconds,
        timeout=patience.total_seconds,
        on_error=tell,
    )
    result: _Result = policy(counted)()
    return result
