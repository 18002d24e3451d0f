"""SIGTERM, with which Vertex ends a task that is cancelled, as an exception at a moment that does no harm."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """Lets SIGTERM end the block as an exception does."""

    def __init__(self) -> None:
        self._is_main = threading.current_thread() is threading.main_thread()
        self._is_held = self._came = False

    def __enter__(self) -> "Signals":
        if self._is_main:  # only the main thread may take signals
            self._before = signal.signal(signal.SIGTERM, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main:
            signal.signal(signal.SIGTERM, self._before)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What comes during the block ends it when it is through."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if self._came:
                raise SystemExit(128 + signal.SIGTERM)

    def _take(self, _: int, __: FrameType | None) -> None:
        if self._came:
            return  # the first is being obeyed
        self._came = True
        if not self._is_held:
            raise SystemExit(128 + signal.SIGTERM)
