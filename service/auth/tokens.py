"""Tokens: JWTs (RFC 7519) signed by HMAC-SHA-256, and nothing else is accepted.

A token says who its holder is and what it allows, so no request asks for the user again. That is why it lives for
minutes: a user who is removed keeps what was handed out until it expires.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt

from configs.service.auth import Auth
from service.auth.errors import AuthError, Reason
from service.auth.keys import Keys
from service.auth.scopes import Scope, scopes_of

_ALGORITHM = "HS256"

_CLAIMS = ["exp", "iat", "nbf", "iss", "aud", "sub", "scope", "jti"]

MAX_CHARACTERS = 4096
"""Our tokens have some 400; whatever is longer is not even decoded."""

CLOCK_SECONDS = 5
"""How far clocks of two machines of the service may differ: a token is valid from so long before it was made. It still
expires after the config's time and not later."""

_REASONS: tuple[tuple[type[jwt.PyJWTError], Reason], ...] = (
    # In this order: some of them are kinds of others.
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet_valid"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.DecodeError, "malformed"),
    (jwt.PyJWTError, "claims"),
)


@dataclass(frozen=True)
class Identity:
    """Who calls."""

    name: str = field(repr=False)
    """The user's name; for rate limits, and for nothing that is written down."""

    scopes: frozenset[Scope]
    """What the user may do."""


class Tokens:
    """Makes and checks tokens. Safe to use from many threads."""

    def __init__(self, settings: Auth, keys: Callable[[], Keys], now: Callable[[], float] = time.time) -> None:
        """Args: settings: The config's `service.auth`. keys: Gives today's keys. now: Unix seconds, for new tokens."""
        self._settings = settings
        self._keys = keys
        self._now = now

    def issue(self, identity: Identity) -> str:
        """Makes a token that is valid for the config's `token_seconds`.

        Args:
            identity: Of a user whose password was right.
        """
        keys, now = self._keys(), int(self._now())
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": identity.name,
            "scope": " ".join(sorted(identity.scopes)),
            "iat": now - CLOCK_SECONDS,
            "nbf": now - CLOCK_SECONDS,
            "exp": now + self._settings.token_seconds,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, keys.by_name[keys.first], algorithm=_ALGORITHM, headers={"kid": keys.first})

    def identity(self, token: str | None) -> Identity:
        """Checks a token.

        Args:
            token: What came after `Bearer`; None if nothing came.

        Returns:
            Who holds it.

        Raises:
            AuthError: It is not valid.
        """
        if not token:
            raise AuthError("missing")
        if len(token) > MAX_CHARACTERS:
            raise AuthError("malformed")
        try:
            claims = jwt.decode(
                token,
                self._key(token),
                algorithms=[_ALGORITHM],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                options={"require": _CLAIMS, "strict_aud": True},
            )
            name, scope = claims["sub"], claims["scope"]
            if not isinstance(name, str) or not isinstance(scope, str):
                raise AuthError("claims")
            return Identity(name, scopes_of(scope.split(" ")))
        except jwt.PyJWTError as e:
            # Without its cause: what PyJWT says may repeat claims.
            raise AuthError(next(reason for kind, reason in _REASONS if isinstance(e, kind))) from None
        except (ValueError, RecursionError):  # unknown scopes, deep JSON
            raise AuthError("claims") from None

    def _key(self, token: str) -> bytes:
        """The key that the header names. The header is not checked yet, and chooses among our keys alone."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):  # half a surrogate pair, deep JSON
            raise AuthError("malformed") from None
        if header.get("alg") != _ALGORITHM:
            raise AuthError("algorithm")
        key = self._keys().by_name.get(header.get("kid", ""))
        if key is None:
            raise AuthError("unknown_key")
        return key
