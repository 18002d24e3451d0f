"""Reads JSON bodies: bounded in size by the middleware, in depth here."""

import json
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from service.api.errors import bad_request, from_validation
from service.queries.query import Query

Q = TypeVar("Q", bound=Query)


class _TwiceError(ValueError):
    """An object has a key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _TwiceError


# It looks at keys alone: a number of a million digits must not be computed.
_KEYS = json.JSONDecoder(object_pairs_hook=_unique, parse_int=len, parse_float=len)


async def json_of(request: Request) -> Any:
    """Reads a body. orjson refuses more than 1024 levels, NaN and infinities, and what is not UTF-8.

    A key that comes twice is refused, too: which of the two counts would depend on who reads it (RFC 8259, section 4).

    Raises:
        ApiError: It is no JSON, or no clear one.
    """
    body = await request.body()
    try:
        found = orjson.loads(body)
        _KEYS.decode(body.decode())
    except json.JSONDecodeError as e:
        raise bad_request(f"the body is no JSON: {e.msg} at byte {e.pos}") from None
    except _TwiceError:
        raise bad_request("an object of the body has a key twice") from None
    except RecursionError:
        raise bad_request("the body's lists and objects are nested too deeply") from None
    return found


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
