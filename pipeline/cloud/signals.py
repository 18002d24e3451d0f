"""Turns signals into exceptions at a safe moment: SIGTERM, by which Vertex cancels a task, and Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Signals:
    """Lets SIGTERM end the block as SystemExit, and Ctrl-C as KeyboardInterrupt."""

    def __init__(self) -> None:
        self._is_main = threading.current_thread() is threading.main_thread()
        self._is_held = False
        self._received: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> "Signals":
        if self._is_main:  # only the main thread may take signals
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._take)
            if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # a shell sets it to ignored for background jobs
                self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Delays signals: one that arrives during the block raises its exception at the block's end."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if self._received is not None:
                self._end(self._received)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self._received is not None:
            return  # the first signal is already being handled
        self._received = number
        if not self._is_held:
            self._end(number)

    def _end(self, number: int) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
