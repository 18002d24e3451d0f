"""`recommendation_id`: a token in each answer that says which version put which item at which position.

A client gives it back with an event. From the token alone follows at which position the event's item was, so nothing is
stored for an answer. An HMAC with a key of the service keeps clients from inventing one.

The token is base64url without padding, of these bytes:

    1   format, now 1
    8   version, big-endian
    4   Unix seconds, big-endian
    2   position of the first item, big-endian: 0, or more on a later page
    6   random, so that two equal answers differ
    2n  for each of the first n items, 2 bytes of BLAKE2b over the random bytes and the item's id
    12  HMAC-SHA256 over all of the above, cut

Two bytes tell 50 items apart but for 1 in 1,300; where two are the same, the item has no position, not a false one. An
item that was not in the answer gets a position with the same probability.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_ITEMS = 50
"""Most items of an answer that the token tells apart. With 50 it has 178 characters, and people look at few more."""

MAX_POSITIONS = 1000
"""Positions from here on are neither counted nor told: nobody looks at them."""

_FORMAT = 1
_HEAD = struct.Struct(">BQIH6s")
_HASH_BYTES = 2
_CODE_BYTES = 12
"""96 bits. RFC 2104, section 5, recommends 128 of 256, but only a statistic depends on it; a forger asks 2^95 times."""

_MAX_CHARACTERS = -(-(_HEAD.size + MAX_ITEMS * _HASH_BYTES + _CODE_BYTES) * 4 // 3)


@dataclass(frozen=True)
class Recommendation:
    """What a token says.

    Attributes:
        version: The version that answered.
        time: When, in Unix seconds.
        first: Position of the first item.
    """

    version: int
    time: int
    first: int
    _random: bytes = field(repr=False)
    _hashes: bytes = field(repr=False)

    def position(self, item: str) -> int | None:
        """The position of an item, from 0; None if it was not among the answer's first items, or is not told apart."""
        wanted = _hash(self._random, item)
        found = [
            place
            for place in range(len(self._hashes) // _HASH_BYTES)
            if self._hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES] == wanted
        ]
        position = self.first + found[0] if len(found) == 1 else None
        return position if position is not None and position < MAX_POSITIONS else None


class RecommendationIds:
    """Makes and reads the tokens of one service."""

    def __init__(self, key: bytes) -> None:
        """Args: key: The service's, such as `service.database.secrets` keeps."""
        self._key = hmac.new(key, digestmod=hashlib.sha256)

    def encode(self, version: int, time: int, items: Sequence[str], first: int = 0) -> str:
        """Makes the token of an answer.

        Args:
            version: The version that answers.
            time: Unix seconds.
            items: The answer's items in their order; those after the first 50 are not told apart.
            first: Position of the first of them: 0, or more on a later page.
        """
        random = secrets.token_bytes(6)
        head = _HEAD.pack(_FORMAT, version, time, min(first, 0xFFFF), random)
        body = head + b"".join(_hash(random, item) for item in items[:MAX_ITEMS])
        return base64.urlsafe_b64encode(body + self._code(body)).rstrip(b"=").decode()

    def decode(self, token: str) -> Recommendation | None:
        """Reads a token.

        Args:
            token: Any text.

        Returns:
            What it says; None if this service has not made it.
        """
        data = _bytes(token)
        if data is None or len(data) < _HEAD.size + _CODE_BYTES:
            return None
        body, code = data[:-_CODE_BYTES], data[-_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(body)):
            return None
        token_format, version, time, first, random = _HEAD.unpack_from(body)
        return Recommendation(version, time, first, random, body[_HEAD.size :]) if token_format == _FORMAT else None

    def _code(self, body: bytes) -> bytes:
        keyed = self._key.copy()  # half of the work is done once, with the key
        keyed.update(body)
        return keyed.digest()[:_CODE_BYTES]


def _hash(random: bytes, item: str) -> bytes:
    return hashlib.blake2b(random + item.encode(), digest_size=_HASH_BYTES).digest()


def _bytes(token: str) -> bytes | None:
    """Returns the token's bytes; None if it is too long, or not spelled in the only way that `encode` spells it."""
    if len(token) > _MAX_CHARACTERS or not token.isascii():
        return None
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return None
    # Python ignores characters that are not of the alphabet, and bits of the last one that mean nothing.
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == token else None
