"""Reads the parameters of a URL into a query."""

from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request

from service.api.errors import bad_request, from_validation
from service.queries.query import Query, UrlTexts

_MAX_PARAMETERS = 1000

Q = TypeVar("Q", bound=Query)


def query_of(request: Request, kind: type[Q], **path: str) -> Q:
    """Reads a query.

    Args:
        request: The request.
        kind: The query's class.
        **path: Fields that stand in the path.

    Raises:
        ApiError: A parameter is unknown, malformed, or no UTF-8.
    """
    texts: dict[str, UrlTexts] = {}
    try:
        pairs = parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise bad_request("the URL's parameters are not UTF-8, encoded by percent signs") from None
    except ValueError:
        raise bad_request(f"the URL has more than {_MAX_PARAMETERS} parameters; send JSON instead") from None
    for name, text in pairs:
        texts.setdefault(name, UrlTexts()).append(text)
    for name in path:
        if name in texts:
            raise bad_request("stands in the path already", name)
    try:
        return kind.model_validate({**texts, **path})
    except ValidationError as e:
        raise from_validation(e) from None
