"""Defines what the services share: list filters and pages, moments, and the one project."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.vertex_api.rest import ApiError

PROJECT, REGION = "example-project", "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"

_COMPARISON = re.compile(r'([\w.]+)\s*(!?=)\s*"([^"]*)"')


class Clock:
    """Makes different moments: each is a second after the last one."""

    def __init__(self) -> None:
        self._last = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def now(self) -> datetime:
        """The next moment."""
        self._last += timedelta(seconds=1)
        return self._last


def check_parent(parent: str) -> None:
    """Checks that a resource is in the one project and region."""
    if parent != PARENT:
        raise ApiError(403, f"Permission denied on resource {parent} (or it may not exist).")


def filtered(items: Iterable[Any], expression: str, fields: Mapping[str, Any]) -> list[Any]:
    """Filters items by comparisons that are joined by AND (https://google.aip.dev/160).

    Args:
        items: All items.
        expression: The filter; empty for all.
        fields: For each field that may be compared, how to read it from an item.
    """
    found = list(items)
    for part in expression.split(" AND ") if expression else []:
        match = _COMPARISON.fullmatch(part.strip())
        if match is None or match[1] not in fields:
            raise ApiError(400, f"cannot parse the filter {part!r}")
        read, equal, value = fields[match[1]], match[2] == "=", match[3]
        found = [item for item in found if (read(item) == value) == equal]
    return found


def page(items: list[Any], size: int, token: str, largest: int = 100) -> tuple[list[Any], str]:
    """One page of items, and the token of the next page."""
    start, size = int(token or 0), min(size or largest, largest)
    return items[start : start + size], str(start + size) if start + size < len(items) else ""


def newest_first(items: Iterable[Any], order_by: str) -> list[Any]:
    """Sorts in the only order that clients request, which is the default."""
    if order_by not in ("", "create_time desc"):
        raise ApiError(400, f"cannot order by {order_by!r}")
    return sorted(items, key=lambda item: item.create_time, reverse=True)
