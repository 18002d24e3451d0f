"""What surrounds a request, where the application inside fails by a fault of ours."""

import asyncio
import json
import logging
from typing import Any

import pytest

from service.api.metrics import Metrics
from service.api.middleware import FaultError, Surroundings

SECRET = "u-7"

SCOPE = {"type": "http", "path": "/v1/model", "headers": [], "query_string": b""}


def answered(app: Any, body: bytes = b"") -> tuple[list[dict[str, Any]], FaultError | None, Metrics]:
    """What an application's client gets, and what the server around it gets."""
    sent: list[dict[str, Any]] = []
    metrics = Metrics()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> FaultError | None:
        try:
            await Surroundings(app, metrics, 100)(dict(SCOPE), receive, send)
        except FaultError as e:
            return e
        return None

    return sent, asyncio.run(ask()), metrics


async def failing(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError(f"user {SECRET} is not in the table")


async def failing_half_way(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(f"user {SECRET} is not in the table")


@pytest.mark.parametrize("app", [failing, failing_half_way])
def test_fault_is_named_by_its_request_and_nothing_of_the_request_is_logged(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sent, error, _ = answered(app)
    request_id = dict(sent[0]["headers"])[b"x-request-id"].decode()
    assert request_id in str(error)
    assert request_id in caplog.text
    assert app.__name__ in caplog.text  # where it was raised
    assert SECRET not in caplog.text
    # Servers log what they get, with its causes.
    assert error is not None
    assert error.__suppress_context__
    assert error.__cause__ is None


def test_fault_is_answered_in_the_shape_of_all_errors_and_counted() -> None:
    sent, _, metrics = answered(failing)
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["error"]["code"] == "internal"
    assert b'perennial_requests_total{route="none",status="500"} 1.0' in metrics.text()


def test_body_above_the_limit_is_refused_while_it_is_read() -> None:
    async def reading(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    sent, error, _ = answered(reading, b"x" * 101)
    assert error is None
    assert sent[0]["status"] == 413
