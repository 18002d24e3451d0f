"""Logs the speed of a stage while it runs, for the person who waits for it."""

import logging
import time

_INTERVAL_SECONDS = 5.0
"""Between two lines of a stage: a short stage logs no line, and a long stage shows that it makes progress."""


class Pace:
    """Counts a stage's rows and logs the number from time to time."""

    def __init__(self, logger: str, stage: str) -> None:
        """Starts the clock.

        Args:
            logger: Name of the logger; the lines of loggers below `perennial` are shown on the terminal.
            stage: What is done to the rows, such as `read`.
        """
        self._logger = logging.getLogger(logger)
        self._stage = stage
        self._rows = 0
        self._started = self._last_logged = time.monotonic()

    def add(self, rows: int) -> None:
        """Counts rows that are done."""
        self._rows += rows
        now = time.monotonic()
        if now - self._last_logged >= _INTERVAL_SECONDS:
            self._last_logged = now
            self._logger.info("%s %s", self._stage, rate(self._rows, now - self._started))


def rate(rows: int, seconds: float) -> str:
    """Formats rows, seconds and rows a second for a log line."""
    return f"{rows:,} rows in {seconds:.1f} s ({rows / max(seconds, 1e-3):,.0f} rows/s)"
