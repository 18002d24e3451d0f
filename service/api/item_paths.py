"""Keeps what a client encoded in the path of an item apart from what it did not.

Servers give an application the decoded path. Then the item `a/similar`, sent as `a%2Fsimilar`, would be the route of
what is similar to `a`. So paths of items are matched as they were sent, and the id is decoded afterwards.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import bad_request

ITEMS = "/v1/items/"


class EncodedItems:
    """Gives the application the paths of items as they were sent."""

    def __init__(self, app: ASGIApp) -> None:
        """Args: app: The application inside."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] == "http" and scope["path"].startswith(ITEMS):
            scope["path"] = scope["raw_path"].decode("ascii")
        await self._app(scope, receive, send)


def item_of(path_params: dict[str, Any]) -> dict[str, str]:
    """Reads the id from a path's parameters: the field `item` of a query, or nothing.

    Raises:
        ApiError: It is no UTF-8.
    """
    if "item_id" not in path_params:
        return {}
    try:
        return {"item": unquote_to_bytes(path_params["item_id"]).decode()}
    except UnicodeDecodeError:
        raise bad_request("is not UTF-8, encoded by percent signs", "item_id") from None
