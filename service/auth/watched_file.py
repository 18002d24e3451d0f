"""A mounted secret that is read again when it changes.

A new content that cannot be used is not taken: the old one stays, and the log and `fault` say so. Kubernetes changes a
mounted secret by moving a symbolic link, so that the file behind the name is another one.
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from common.errors import ConfigError
from common.yaml_errors import NOT_YAML
from configs.yaml_text import read_yaml

T = TypeVar("T")

MAX_BYTES = 10_000_000
"""Some 50,000 users; it is read at a request."""

_LOGGER = logging.getLogger("perennial.auth")


class WatchedFile(Generic[T]):
    """What a YAML file holds now. Safe to use from many threads."""

    def __init__(self, path: Path, parse: Callable[[object], T]) -> None:
        """Reads the file.

        Args:
            path: The file.
            parse: Makes the content of the YAML's values; raises ValueError, with a text that repeats no secret.

        Raises:
            ConfigError: The file cannot be read or used.
        """
        self._path = path
        self._parse = parse
        self._lock = threading.Lock()
        # What the file is like is asked before it is read: if it changes in between, it is read once more.
        self._seen = self._look()
        self._content = self._read()
        self.fault: str | None = None
        """Why today's file is not the content; None if it is."""

    def get(self) -> T:
        """Returns the content; reads the file if it has changed, which takes some microseconds to find out."""
        seen = self._look()
        if seen != self._seen:
            with self._lock:
                self._reload(seen)
        return self._content

    def _reload(self, seen: object) -> None:
        if seen == self._seen:  # another thread has just read it
            return
        try:
            self._content = self._read()
            self.fault = None
        except ConfigError as e:
            self.fault = str(e)
            _LOGGER.error("%s The content before it stays in use.", e)
        self._seen = seen

    def _look(self) -> object:
        try:
            found = os.stat(self._path)
        except OSError as e:
            return e.errno
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self) -> T:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ConfigError(f"{self._path}: is larger than {MAX_BYTES} bytes.")
            values = read_yaml(content.decode()).values
        except OSError as e:
            raise ConfigError(f"{self._path}: cannot be read ({e.strerror}). Mount the secret there.") from e
        except NOT_YAML:
            # What YAML says about an error repeats the line, and the line may be a key.
            raise ConfigError(f"{self._path}: is not YAML, or has a key twice.") from None
        try:
            return self._parse(values)
        except ValueError as e:
            raise ConfigError(f"{self._path}: {e}") from None
