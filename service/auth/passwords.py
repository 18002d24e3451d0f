"""Passwords: argon2id hashes (RFC 9106), and a check that takes as long for users that do not exist."""

import argon2
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

MAX_PASSWORD_BYTES = 1024
"""argon2 itself would hash gigabytes."""

_MAX_MEMORY_KIB = 1_048_576
"""A hash that asks for more than 1 GiB is a mistake that would end the service."""

_HASHER = argon2.PasswordHasher()
"""argon2-cffi's parameters: the second choice of RFC 9106, 64 MiB, some 0.2 s of CPU."""


_LIKE = f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
"""How a new hash begins (RFC 9106, section 3.1)."""


def hash_password(password: str) -> str:
    """Makes the hash of a password, with a new salt.

    Args:
        password: Of 1 to 1,024 bytes of UTF-8.

    Raises:
        ValueError: It is empty or too long.
    """
    if not 1 <= len(password.encode()) <= MAX_PASSWORD_BYTES:
        raise ValueError(f"a password must have 1 to {MAX_PASSWORD_BYTES} bytes.")
    return _HASHER.hash(password)


def check_hash(text: object) -> str:
    """Checks that something is a hash that this service can verify.

    Returns:
        The hash.

    Raises:
        ValueError: It is not; the message does not repeat it.
    """
    advice = "`perennial users hash` prints one."
    if not isinstance(text, str):
        raise ValueError(f"hash must be a text. {advice}")
    try:
        parameters = extract_parameters(text)
    except (InvalidHashError, ValueError):
        raise ValueError(f"hash must be an argon2 hash, which begins with $argon2id$. {advice}") from None
    if parameters.type is not argon2.low_level.Type.ID or parameters.memory_cost > _MAX_MEMORY_KIB:
        raise ValueError(f"hash must be of argon2id, with at most {_MAX_MEMORY_KIB} KiB of memory. {advice}")
    return text


def dummy_hash(like: str | None) -> str:
    """A hash that no password has, for a user that does not exist.

    Args:
        like: The hash of some user: verifying takes as long as with that one. None: as with a new hash.
    """
    # The salt and the hash are the last two parts; only a guess of 256 bits would have this one.
    head = _LIKE if like is None else like.rsplit("$", 2)[0]
    return f"{head}$c29tZXNhbHRzb21lc2FsdA${'A' * 43}"


def verify(hashed: str, password: str) -> bool:
    """Tells whether a password has a hash. Takes the CPU and memory that the hash says; see `login` for limits."""
    # What is no password gets the same work as one.
    given = password.encode(errors="replace")
    possible = 1 <= len(given) <= MAX_PASSWORD_BYTES
    try:
        return _HASHER.verify(hashed, given if possible else b"-") and possible
    except (VerificationError, InvalidHashError):
        return False
