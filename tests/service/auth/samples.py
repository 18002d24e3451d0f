"""Keys and users for tests of who may call."""

import base64
from pathlib import Path

import argon2
import yaml

from configs.service.auth import Auth
from service.auth.keys import Keys
from service.auth.tokens import Tokens

OLD, NEW = b"o" * 32, b"n" * 48

SETTINGS = Auth(keys_file="unused", issuer="perennial", audience="shop", token_seconds=720)

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Real hashes that take no time."""


def tokens(by_name: dict[str, bytes] | None = None, settings: Auth = SETTINGS) -> Tokens:
    keys = by_name or {"new": NEW, "old": OLD}
    return Tokens(settings, lambda: Keys(next(iter(keys)), keys))


def write_keys(file: Path, **keys: bytes) -> Path:
    file.write_text(yaml.safe_dump({name: base64.b64encode(key).decode() for name, key in keys.items()}))
    return file


def write_users(file: Path, **users: tuple[str, list[str]]) -> Path:
    entries = {name: {"hash": CHEAP.hash(password), "scopes": scopes} for name, (password, scopes) in users.items()}
    file.write_text(yaml.safe_dump(entries))
    return file
