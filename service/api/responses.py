"""JSON answers, written by orjson."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

PERSONAL = {"Cache-Control": "private, no-store"}
"""Headers of an answer about a person: neither browsers nor proxies keep it."""

UNMARKED = {"Cache-Control": "private, max-age=60"}
"""Headers of an answer that caches may keep for a minute, and may not ask about again."""


class JsonResponse(Response):
    """An answer with a JSON body."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Makes an answer.

        Args:
            content: What orjson can write.
            status_code: The HTTP status.
            headers: Further headers.
        """
        super().__init__(orjson.dumps(content), status_code, headers)


def of_version(number: int) -> dict[str, str]:
    """Headers of an answer that depends on the version and the request alone, so that caches may keep it."""
    return {"ETag": f'"{number}"', **UNMARKED}
