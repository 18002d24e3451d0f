"""Repeats an API call after a temporary error, never after a refusal."""

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
    """How often and how long a call is tried.

    The limit of the pauses grows, and each pause is drawn at random below it, so that clients do not retry at the same
    time.
    """

    attempts: int = 6
    """Most attempts. Default 6: with the pauses below, some 30 seconds; a quota per minute may need twice that."""

    first_pause_seconds: float = 1.0
    """Limit of the first pause; the limit doubles with each further pause."""

    longest_pause_seconds: float = 20.0
    """Limit of every pause."""

    total_seconds: float = 180.0
    """Time after which no further attempt begins."""

    call_seconds: float = 60.0
    """Timeout of one call. Default 60: creating a run takes seconds."""


def is_transient(error: BaseException) -> bool:
    """Tells whether the same call may succeed a little later: after 429, 5xx, or a broken connection."""
    if isinstance(error, exceptions.MethodNotImplemented):
        return False
    if isinstance(error, json_format.ParseError):
        # The connection broke in the middle of a reply: urllib3 1.26 returns the first part, and the client library
        # reads it as JSON. urllib3 2 raises ChunkedEncodingError.
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
            requests.exceptions.JSONDecodeError,  # an incomplete reply as above, but from Cloud Storage
        ),
    )


def may_have_taken_effect(error: BaseException) -> bool:
    """Tells whether a failed call may still have been carried out, its reply being lost; after a 429 it was not."""
    return is_transient(error) and not isinstance(error, exceptions.TooManyRequests)


def persistently(call: Callable[[], _Result], patience: Patience) -> _Result:
    """Repeats a call until there is an answer, a refusal, or no attempt left.

    Args:
        call: The call. It may be repeated, so a second call must not do the work twice.
        patience: How often and how long.

    Returns:
        What the call returned.
    """
    attempts = 0

    def counted() -> _Result:
        nonlocal attempts
        attempts += 1
        return call()

    def further(error: BaseException) -> bool:
        return attempts < patience.attempts and is_transient(error)

    def log_failure(error: BaseException) -> None:
        _logger.warning("Attempt %d of %d failed, trying again: %s", attempts, patience.attempts, type(error).__name__)

    policy: Any = retry.Retry(
        predicate=further,
        initial=patience.first_pause_seconds,
        maximum=patience.longest_pause_seconds,
        timeout=patience.total_seconds,
        on_error=log_failure,
    )
    result: _Result = policy(counted)()
    return result
