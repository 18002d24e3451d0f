"""What callers are told when they may not, and what metrics are told."""

from typing import Literal

from common.errors import PerennialError

Reason = Literal[
    "missing",  # no token
    "malformed",  # it is no JWT
    "algorithm",  # another algorithm, or none
    "unknown_key",  # a kid that the keys file does not have
    "signature",
    "expired",
    "not_yet_valid",
    "issuer",
    "audience",
    "claims",  # one is missing, or has a wrong type
    "credentials",  # name or password
    "scope",
]


class AuthError(PerennialError):
    """The caller may not do this: HTTP's 401, or 403 for the reason `scope`.

    Attributes:
        reason: For metrics. A caller is not told: it would help only who tries.
    """

    def __init__(self, reason: Reason) -> None:
        messages = {"credentials": "Name or password is wrong.", "scope": "The token's scopes do not allow this."}
        super().__init__(messages.get(reason, "A valid token is needed: ask /v1/login for one."))
        self.reason: Reason = reason


class TooManyError(PerennialError):
    """The caller asks too often: HTTP's 429.

    Attributes:
        retry_seconds: When it may ask again, for Retry-After.
    """

    def __init__(self, retry_seconds: float) -> None:
        super().__init__("Too many requests: try again later.")
        self.retry_seconds = retry_seconds
