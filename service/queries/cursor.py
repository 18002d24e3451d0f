"""The cursor of the next page: which version answers, from which item on, and to which query it belongs.

A client gives it back as it is. Nothing in it is secret or trusted: a cursor that was made up gets some other page.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

import orjson

from common.errors import QueryError
from service.queries.query import RecommendationQuery

_FORM = struct.Struct(">QIQ8s")
_MAX_OFFSET = 1_000_000
"""No page begins later. It bounds what a made-up cursor costs."""


@dataclass(frozen=True)
class Cursor:
    """A place in a ranking."""

    version: int
    offset: int
    until: int
    """Microseconds: events of the user after this time do not count, so that pages do not overlap."""

    query: bytes
    """Digest of the query, without its page."""

    def text(self) -> str:
        """Returns the cursor as it stands in an answer."""
        packed = _FORM.pack(self.version, self.offset, self.until, self.query)
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read_cursor(query: RecommendationQuery) -> Cursor | None:
    """Reads the cursor of a query.

    Raises:
        QueryError: It is none, or belongs to another query.
    """
    if query.cursor is None:
        return None
    try:
        packed = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        found = Cursor(*_FORM.unpack(packed))
    except (binascii.Error, ValueError, struct.error):
        raise QueryError("cursor: is not one that this service gave. Take `next` of the answer before") from None
    if found.query != digest(query):
        raise QueryError("cursor: belongs to another query. Send the same query as for the first page")
    if found.offset > _MAX_OFFSET:
        raise QueryError(f"cursor: the page would begin after item {_MAX_OFFSET}")
    return found


def digest(query: RecommendationQuery) -> bytes:
    """Digest of what a query asks, whatever its page, 8 bytes."""
    asked = query.model_dump(exclude={"cursor", "k", "fields"})
    return hashlib.blake2b(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()
