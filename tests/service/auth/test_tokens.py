"""Tokens that are ours pass; each kind of forgery is refused with its own reason."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.auth.errors import AuthError
from service.auth.scopes import Scope, require, scopes_of
from service.auth.tokens import CLOCK_SECONDS, Identity, Tokens
from tests.service.auth.samples import NEW, OLD, SETTINGS, tokens

SHOP = Identity("shöp", scopes_of(["read", "events"]))


def signed(claims: dict[str, Any], key: bytes = NEW, **header: Any) -> str:
    """A token made by hand, with the real signature of whatever it says."""
    head = {"typ": "JWT", "alg": "HS256", "kid": "new", **header}
    parts = [_part(json.dumps({name: value for name, value in head.items() if value is not None}).encode())]
    parts.append(_part(json.dumps(claims).encode()))
    return ".".join([*parts, _part(hmac.new(key, ".".join(parts).encode(), hashlib.sha256).digest())])


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": "perennial",
        "aud": "shop",
        "sub": "shöp",
        "scope": "events read",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": "1",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def reason(token: str | None, checker: Tokens | None = None) -> str:
    with pytest.raises(AuthError) as caught:
        (checker or tokens()).identity(token)
    assert str(caught.value) == "A valid token is needed: ask /v1/login for one."
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.reason


def test_own_token_says_who_holds_it_and_what_it_allows() -> None:
    assert tokens().identity(tokens().issue(SHOP)) == SHOP
    assert "shöp" not in repr(SHOP)


def test_token_by_hand_passes_so_that_the_forgeries_below_fail_for_their_own_reason() -> None:
    assert tokens().identity(signed(claims())) == SHOP
    assert tokens().identity(signed(claims(scope="admin"))).scopes == {"admin"}


def test_own_token_has_every_claim_and_lives_as_long_as_the_config_says() -> None:
    maker = Tokens(SETTINGS, tokens()._keys, now=lambda: 1_796_000_000.9)
    token = maker.issue(SHOP)
    header, found = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "new"}
    assert len(found.pop("jti")) == 32
    assert found == {
        "iss": "perennial",
        "aud": "shop",
        "sub": "shöp",
        "scope": "events read",
        "iat": 1_796_000_000 - CLOCK_SECONDS,
        "nbf": 1_796_000_000 - CLOCK_SECONDS,
        "exp": 1_796_000_720,
    }


def test_token_of_a_machine_whose_clock_is_ahead_is_valid_at_once() -> None:
    ahead = Tokens(SETTINGS, tokens()._keys, now=lambda: time.time() + CLOCK_SECONDS - 1)
    assert tokens().identity(ahead.issue(SHOP)) == SHOP


def test_key_before_the_rotation_is_accepted_until_it_is_removed() -> None:
    token = tokens({"old": OLD}).issue(SHOP)
    assert tokens({"new": NEW, "old": OLD}).identity(token) == SHOP
    assert reason(token, tokens({"new": NEW})) == "unknown_key"


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_refused(token: str | None) -> None:
    assert reason(token) == "missing"


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "a.b.c.d", "..", "🎬", "\ud800", "A" * 4097, "A." * 2000, "\0", _part(b"[]") + ".e30.x"],
)
def test_text_that_is_no_token_is_refused(token: str) -> None:
    assert reason(token) == "malformed"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None])
def test_token_without_an_algorithm_is_refused(algorithm: str | None) -> None:
    head, body, signature = signed(claims(), alg=algorithm).split(".")
    for token in (f"{head}.{body}.", f"{head}.{body}.{signature}"):
        assert reason(token) in ("algorithm", "malformed")


def test_unsigned_token_that_the_library_makes_is_refused() -> None:
    assert reason(jwt.encode(claims(), "", algorithm="none", headers={"kid": "new"})) == "algorithm"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_token_of_another_algorithm_with_the_right_key_is_refused(algorithm: str) -> None:
    assert reason(jwt.encode(claims(), b"k" * 64, algorithm=algorithm, headers={"kid": "new"})) == "algorithm"
    key = {"new": b"k" * 64}
    assert (
        reason(jwt.encode(claims(), b"k" * 64, algorithm=algorithm, headers={"kid": "new"}), tokens(key)) == "algorithm"
    )


def test_token_of_rsa_is_refused_and_so_is_one_signed_with_its_public_key_as_a_secret() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert reason(jwt.encode(claims(), private, algorithm="RS256", headers={"kid": "new"})) == "algorithm"
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert reason(signed(claims(), public)) == "signature"
    # The other way round: the header says RS256, and the signature is an HMAC with our own key.
    assert reason(signed(claims(), alg="RS256")) == "algorithm"


def test_header_that_brings_its_own_key_is_of_no_use() -> None:
    own = {"kty": "oct", "k": _part(b"x" * 32)}
    assert reason(signed(claims(), b"x" * 32, jwk=own, jku="https://example.org/keys")) == "signature"


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"exp": int(time.time()) - 1}, "expired"),
        ({"exp": 0}, "expired"),
        ({"nbf": int(time.time()) + 10**6, "exp": int(time.time()) + 2 * 10**6}, "not_yet_valid"),
        ({"iat": int(time.time()) + 10**6, "exp": int(time.time()) + 2 * 10**6}, "not_yet_valid"),
        ({"iss": "other"}, "issuer"),
        ({"iss": "Perennial"}, "issuer"),
        ({"iss": ["perennial"]}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": ["shop", "other"]}, "audience"),
        ({"aud": "shop "}, "audience"),
    ],
)
def test_token_of_another_time_or_place_is_refused(changed: dict[str, Any], wanted: str) -> None:
    assert reason(signed(claims(**changed))) == wanted


@pytest.mark.parametrize("missing", ["exp", "iat", "nbf", "iss", "aud", "sub", "scope", "jti"])
def test_token_without_a_claim_is_refused(missing: str) -> None:
    assert reason(signed(claims(**{missing: None}))) == "claims"


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": 7},
        {"sub": ["shop"]},
        {"scope": ""},
        {"scope": "root"},
        {"scope": "read root"},
        {"scope": "read read"},
        {"scope": ["read"]},
        {"scope": {"read": True}},
        {"exp": 1e400},
        {"exp": "soon"},
        {"iat": "now"},
    ],
)
def test_token_with_a_claim_of_the_wrong_kind_is_refused(changed: dict[str, Any]) -> None:
    assert reason(signed(claims(**changed))) in ("claims", "malformed")


def test_token_whose_payload_or_signature_was_changed_is_refused() -> None:
    head, body, signature = signed(claims()).split(".")
    richer = _part(json.dumps(claims(scope="admin")).encode())
    assert reason(f"{head}.{richer}.{signature}") == "signature"
    assert reason(f"{head}.{body}.") == "signature"
    for place in (0, 20):
        other = "A" if signature[place] != "A" else "B"
        assert reason(f"{head}.{body}.{signature[:place]}{other}{signature[place + 1 :]}") == "signature"


def test_token_whose_kid_names_another_key_is_refused() -> None:
    assert reason(signed(claims(), NEW, kid="old")) == "signature"
    assert reason(signed(claims(), OLD, kid="new")) == "signature"


@pytest.mark.parametrize("kid", ["gone", "", "NEW", "new ", "../../dev/null", None])
def test_token_whose_kid_is_unknown_or_missing_is_refused(kid: str | None) -> None:
    assert reason(signed(claims(), kid=kid)) == "unknown_key"


@pytest.mark.parametrize("kid", [["new"], {"new": 1}, 7])
def test_token_whose_kid_is_no_text_is_refused(kid: Any) -> None:
    assert reason(signed(claims(), kid=kid)) == "malformed"


def test_token_with_deep_json_is_refused() -> None:
    parts = [_part(b'{"alg":"HS256","kid":"new","typ":"JWT"}'), _part(b"[" * 1500)]
    token = ".".join([*parts, _part(hmac.new(NEW, ".".join(parts).encode(), hashlib.sha256).digest())])
    assert reason(token) in ("malformed", "claims")
    deep_header = ".".join([_part(b'{"a":' + b"[" * 1500), "e30", "x"])
    assert reason(deep_header) == "malformed"


def test_scopes_admin_has_all_and_the_others_have_their_own() -> None:
    for scope in ("read", "events", "admin"):
        require(scopes_of(["admin"]), scope)
        require(scopes_of([scope]), scope)
    lacking: list[tuple[Scope, Scope]]
    lacking = [("read", "events"), ("events", "read"), ("read", "admin"), ("events", "admin")]
    for held, needed in lacking:
        with pytest.raises(AuthError) as caught:
            require(scopes_of([held]), needed)
        assert caught.value.reason == "scope"


@pytest.mark.parametrize("names", ["read", [], ["root"], ["read", "read"], None, {"read": 1}, 7, [["read"]]])
def test_scopes_that_are_none_are_refused(names: Any) -> None:
    with pytest.raises(ValueError, match="scopes must be a list"):
        scopes_of(names)
