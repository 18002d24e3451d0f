"""The token of an answer: what it says, and that nobody else can make one."""

import base64
import hashlib
import hmac
import random
import struct

import pytest

from service.events.recommendation_id import RecommendationIds

KEY = bytes(range(32))
IDS = RecommendationIds(KEY)
ITEMS = [f"item {number}" for number in range(50)]


def test_token_says_version_time_and_positions() -> None:
    token = IDS.encode(1_795_978_097, 1_796_000_000, ["A", "a", "é", "e", "a "])
    said = IDS.decode(token)
    assert said is not None
    assert (said.version, said.time, said.first) == (1_795_978_097, 1_796_000_000, 0)
    # Five of 65,536 may be the same once in 6,500 tokens: then they have no position.
    assert {said.position(item) for item in ("A", "a", "é", "e", "a ")} - {None} <= {0, 1, 2, 3, 4}
    assert repr(said) == "Recommendation(version=1795978097, time=1796000000, first=0)"


def test_token_has_the_documented_bytes() -> None:
    token = IDS.encode(7, 8, ["A", "ß"], first=20)
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    salt = data[15:21]
    hashes = b"".join(hashlib.blake2b(salt + item.encode(), digest_size=2).digest() for item in ("A", "ß"))
    body = struct.pack(">BQIH", 1, 7, 8, 20) + salt + hashes
    assert data == body + hmac.new(KEY, body, hashlib.sha256).digest()[:12]


def test_token_is_short_url_safe_and_tells_the_first_50_items_apart() -> None:
    token = IDS.encode(2**63, 2**32 - 1, [*ITEMS, "item 50"], first=10)
    assert len(token) == 178
    assert token.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
    said = IDS.decode(token)
    assert said is not None
    positions = [said.position(item) for item in ITEMS]
    assert all(found in (None, place + 10) for place, found in enumerate(positions))
    assert positions.count(None) <= 8  # 1 in 1,300 each


def test_items_with_the_same_hash_have_no_position() -> None:
    rng, alike = random.Random(1), 0
    for _ in range(1000):
        items = [str(rng.random()) for _ in range(50)]
        said = IDS.decode(IDS.encode(1, 1, items))
        assert said is not None
        positions = [said.position(item) for item in items]
        alike += positions.count(None)
        assert all(found in (None, place) for place, found in enumerate(positions))
    assert 1 <= alike <= 120  # 1000 · 50 · 49 / 65,536 = 37 are expected


def test_item_that_was_not_shown_has_hardly_ever_a_position() -> None:
    said = IDS.decode(IDS.encode(1, 1, ITEMS))
    assert said is not None
    found = sum(said.position(f"other {number}") is not None for number in range(10_000))
    assert found < 40  # 50 / 65,536 of them, 7.6


def test_positions_after_a_thousand_are_not_told() -> None:
    said = IDS.decode(IDS.encode(1, 1, ["A", "B"], first=999))
    far = IDS.decode(IDS.encode(1, 1, ["A"], first=10**9))
    assert said is not None and far is not None
    assert (said.position("A"), said.position("B"), far.position("A")) == (999, None, None)


def test_equal_answers_have_tokens_of_their_own() -> None:
    assert len({IDS.encode(1, 1, ITEMS) for _ in range(1000)}) == 1000


def test_token_with_any_bit_changed_is_refused() -> None:
    token = IDS.encode(1_795_978_097, 1_796_000_000, ["A", "B"])
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert IDS.decode(base64.urlsafe_b64encode(changed).rstrip(b"=").decode()) is None


def test_token_with_any_character_changed_added_or_taken_is_refused() -> None:
    token = IDS.encode(3, 1_796_000_000, ["A", "B", "C"])
    for place in range(len(token)):
        for other in "AQgw_-":
            if other != token[place]:
                assert IDS.decode(token[:place] + other + token[place + 1 :]) is None
        assert IDS.decode(token[:place] + token[place + 1 :]) is None
        assert IDS.decode(token[:place]) is None
    for spelling in (token + "=", token + "A", token + "\n", f" {token}", token + "é", token[0] + "*" + token[1:]):
        assert IDS.decode(spelling) is None


def test_token_of_another_key_or_format_is_refused() -> None:
    assert RecommendationIds(b"x" * 32).decode(IDS.encode(1, 1, ["A"])) is None
    body = struct.pack(">BQIH6s", 2, 7, 8, 0, b"salted")
    future = base64.urlsafe_b64encode(body + hmac.new(KEY, body, hashlib.sha256).digest()[:12]).rstrip(b"=").decode()
    assert IDS.decode(future) is None


@pytest.mark.parametrize("text", ["", "A", "A" * 44, "A" * 10_000_000, "\ud800", "%00", "🎬" * 50])
def test_text_that_is_no_token_is_refused(text: str) -> None:
    assert IDS.decode(text) is None
