"""Writes neighbours into Redis, under a versioned key that is switched at the end.

`neighbours:current` holds the name of a hash, such as `neighbours:1795978097`. A field of that hash is an item's id,
and its value is JSON, see `service.batch.keyed`:

    HGET neighbours:1795978097 ITEM

A hash is filled under another name, and gets its own name in the transaction that switches. Hashes of older versions go
some time later, so that a reader who has just read `neighbours:current` still finds what it names.
"""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import redis

from common.errors import OutputError
from service.batch.keyed import pairs, with_version

PREFIX = "neighbours"
CURRENT = f"{PREFIX}:current"
"""Names the hash that is current."""

WRITTEN = f"{PREFIX}:written"
"""A set: the names of all hashes that are there or were begun, so that none is left behind."""

PASSWORD = "PERENNIAL_REDIS_PASSWORD"
USERNAME = "PERENNIAL_REDIS_USER"
"""Variables of the environment: a password in an argument can be read by every account of the machine."""

GRACE_SECONDS = 60
"""How long an older version can still be read: a reader looks it up milliseconds after `neighbours:current`."""

_FIELDS_AT_ONCE = 500
"""Fields of one command: some hundred kilobytes, which Redis takes in a millisecond; it does nothing else meanwhile."""

_TIMEOUT_SECONDS = 10.0
"""For one command, which takes milliseconds."""


class RedisStore:
    """A database of a Redis server; other keys of it are left alone."""

    def __init__(self, url: str, work_dir: Path) -> None:
        """Names the database.

        Args:
            url: `redis://HOST:PORT/DB`, or `rediss://` for TLS; `unix://PATH?db=DB` for a socket.
            work_dir: A folder for the parts.

        Raises:
            OutputError: It is no such URL, or holds a password.
        """
        found = urlsplit(url)
        if found.password is not None or found.username is not None or "password" in found.query:
            raise OutputError(f"the URL of Redis must hold no password: set ${PASSWORD} (and ${USERNAME}) instead.")
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                username=os.environ.get(USERNAME),
                password=os.environ.get(PASSWORD),
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
            )
        except ValueError as e:
            raise OutputError(f"{url}: is no URL of Redis ({e}). An example: redis://localhost:6379/0") from e
        self._url = url
        self.parts_folder = work_dir / f"{PREFIX}-redis.parts"

    def check(self) -> None:
        """Refuses a server that does not answer.

        Raises:
            OutputError: It does not, or wants another password.
        """
        self._asked(self._client.ping)

    def write(self, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
        """Puts the neighbours in place of those of an older version.

        Raises:
            OutputError: Redis does not take them; `neighbours:current` names what it named before.
        """
        version, tables = with_version(parts)
        if version is None:
            raise OutputError("no item has a neighbour, so nothing was written to Redis.")
        self._asked(lambda: self._write(f"{PREFIX}:{version}", tables))

    def _write(self, name: str, tables: Iterable[pa.Table]) -> None:
        client, unfinished = self._client, f"{name}:unfinished"
        client.sadd(WRITTEN, name, unfinished)
        client.unlink(unfinished)  # of a run that was killed
        for table in tables:
            found = pairs(table)
            while some := dict(islice(found, _FIELDS_AT_ONCE)):
                client.hset(unfinished, mapping=some)
        with client.pipeline(transaction=True) as switch:
            switch.rename(unfinished, name)
            switch.persist(name)
            switch.set(CURRENT, name)
            switch.execute()
        others = {member.decode() for member in client.smembers(WRITTEN)} - {name}
        for other in others:
            client.expire(other, GRACE_SECONDS)
        if others:
            client.srem(WRITTEN, *others)

    def _asked(self, ask: Any) -> None:
        try:
            ask()
        except redis.RedisError as e:
            raise OutputError(f"{self._url}: Redis does not take the neighbours ({e}).") from e
