"""Reads JSON bodies: bounded in size by the middleware, in depth here."""

from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from service.api.errors import bad_request, from_validation
from service.queries.query import Query

Q = TypeVar("Q", bound=Query)


async def json_of(request: Request) -> Any:
    """Reads a body. orjson refuses more than 1024 levels, NaN and infinities, and what is not UTF-8.

    Raises:
        ApiError: It is no JSON.
    """
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as e:
        raise bad_request(f"the body is no JSON: {e.msg} at byte {e.pos}") from None


def parsed(kind: type[Q], value: Any, where: str = "") -> Q:
    """Reads a query from JSON values.

    Args:
        kind: The query's class.
        value: The values.
        where: Where they stand in the body, for messages.

    Raises:
        ApiError: They do not fit.
    """
    if not isinstance(value, dict):
        raise bad_request("must be a JSON object", where or None)
    try:
        return kind.model_validate(value)
    except ValidationError as e:
        error = from_validation(e)
        if where:
            error.field = f"{where}.{error.field}" if error.field else where
        raise error from None
