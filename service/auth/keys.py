"""The keys that sign tokens, of a mounted file: the first signs, all are accepted."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from service.auth.watched_file import WatchedFile

MIN_KEY_BYTES = 32
"""As many as the hash of HS256 has (RFC 7518, section 3.2). PyJWT only warns at shorter ones."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Keys:
    """Keys by name."""

    first: str
    """The name of the key that signs."""

    by_name: dict[str, bytes] = field(repr=False)
    """All of them."""


def keys_file(path: Path) -> WatchedFile[Keys]:
    """Opens a keys file, see `configs.service.auth`.

    Args:
        path: The file.

    Raises:
        ConfigError: It cannot be read, holds no key, or one that is too short.
    """
    return WatchedFile(path, _parse)


def new_key() -> str:
    """Makes a line for a keys file: a name that no other key has, and a key in base64."""
    return f"{secrets.token_hex(4)}: {base64.b64encode(secrets.token_bytes(MIN_KEY_BYTES)).decode()}\n"


def _parse(values: object) -> Keys:
    if not isinstance(values, dict) or not values:
        raise ValueError("must be a mapping of at least one key's name to the key. `perennial users key` writes one.")
    # By place, not by name: where names and keys were swapped, the name is the secret.
    keys = {str(name): _key(name, text, place) for place, (name, text) in enumerate(values.items(), 1)}
    return Keys(next(iter(keys)), keys)


def _key(name: object, text: object, place: int) -> bytes:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"key {place}: its name must have 1 to 64 letters, digits, dots, dashes or underscores.")
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(
            f"key {place}: must be base64 of {MIN_KEY_BYTES} bytes or more. `perennial users key` writes one."
        )
    return key
