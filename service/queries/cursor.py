"""The cursor of the next page: what the pages of one list rest on, from which item on, and to which query it belongs.

It holds what the model has said of the query, and what the user had done before the first page. So the next page is
of the same list, whatever comes in between: events, a database that is down, or a model whose answer to a larger batch
differs in its last bits. The model is not asked again.

A client gives it back as it is. Nothing in it is secret or trusted: a cursor that was made up gets some other page.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from common.errors import QueryError
from service.queries.query import RecommendationQuery
from service.queries.recent import MOST
from service.queries.resolve import Met
from service.snapshot.snapshot import Snapshot
from service.versions.asker import Resolved

_HEAD = struct.Struct("<QI8sBBH")
_EVENT = np.dtype([("place", "<u4"), ("weight", "<f4")])
_VECTOR = np.dtype("<f4")

_MAX_OFFSET = 1_000_000
"""No page begins later. It bounds what a made-up cursor costs."""

_LENGTH_ERROR = 1e-3
"""How far a vector's length may be from 1, as the ranking counts on it. The model's are off by some 1e-7."""


@dataclass(frozen=True)
class Cursor:
    """A place in a ranking."""

    version: int
    offset: int
    query: bytes
    """Digest of the query, without its page."""

    recent: Sequence[Met]
    """What the user had done since the version was made, oldest first; see `RecentEvents.of`."""

    resolved: Resolved | None
    """What the model has said of the query; None for a model without embeddings."""

    def text(self, snapshot: Snapshot) -> str:
        """Returns the cursor as it stands in an answer."""
        placed = [(snapshot.place_of(item), weight) for item, weight in self.recent]
        events = np.array([(place, weight) for place, weight in placed if place is not None], _EVENT)
        vector = np.zeros(0, _VECTOR) if self.resolved is None else self.resolved.vector.astype(_VECTOR)
        known = self.resolved is not None and self.resolved.known_user
        head = _HEAD.pack(self.version, self.offset, self.query, known, len(events), len(vector))
        return base64.urlsafe_b64encode(head + events.tobytes() + vector.tobytes()).rstrip(b"=").decode()


@dataclass(frozen=True)
class GivenCursor:
    """A cursor that came back, as far as it can be read without its version."""

    version: int
    offset: int
    _known_user: bool
    _events: bytes
    _vector: bytes

    def opened(self, query: RecommendationQuery, snapshot: Snapshot) -> Cursor:
        """Reads the rest.

        Args:
            query: The query that it came with.
            snapshot: That of its version.

        Raises:
            QueryError: It does not fit the version.
        """
        events, vector = np.frombuffer(self._events, _EVENT), np.frombuffer(self._vector, _VECTOR)
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if (
            len(vector) != (snapshot.document.dim or 0)
            or not (abs(length - 1) <= _LENGTH_ERROR or length == 0)
            or not (events["place"] < snapshot.items).all()
            or not (np.isfinite(events["weight"]) & (events["weight"] >= 0)).all()
        ):
            raise _foreign()
        recent = [(snapshot.item_id(place), weight) for place, weight in events.tolist()]
        resolved = Resolved(vector, self._known_user) if len(vector) else None
        return Cursor(self.version, self.offset, digest(query), recent, resolved)


def read_cursor(query: RecommendationQuery) -> GivenCursor | None:
    """Reads the cursor of a query.

    Raises:
        QueryError: It is none, or belongs to another query.
    """
    if query.cursor is None:
        return None
    try:
        packed = base64.b64decode(query.cursor + "=" * (-len(query.cursor) % 4), b"-_", validate=True)
        version, offset, belongs_to, known, num_events, dim = _HEAD.unpack_from(packed)
    except (binascii.Error, ValueError, struct.error):
        raise _foreign() from None
    middle = _HEAD.size + num_events * _EVENT.itemsize
    if num_events > MOST or known > 1 or len(packed) != middle + dim * _VECTOR.itemsize:
        raise _foreign()
    if belongs_to != digest(query):
        raise QueryError("cursor: belongs to another query. Send the same query as for the first page")
    if offset > _MAX_OFFSET:
        raise QueryError(f"cursor: the page would begin after item {_MAX_OFFSET}")
    return GivenCursor(version, offset, bool(known), packed[_HEAD.size : middle], packed[middle:])


def digest(query: RecommendationQuery) -> bytes:
    """Digest of what a query asks, whatever its page, 8 bytes."""
    asked = query.model_dump(exclude={"cursor", "k", "fields"})
    return hashlib.blake2b(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()


def _foreign() -> QueryError:
    return QueryError("cursor: is not one that this service gave. Take `next` of the answer before")
