"""How fast a stage goes, said to the person who waits for it."""

import logging
import time

_SILENCE_SECONDS = 5.0
"""Between two lines of a stage: short stages say nothing of their own, long ones are seen to move."""


class Pace:
    """Counts a stage's rows and says so now and then."""

    def __init__(self, logger: str, stage: str) -> None:
        """Starts the clock.

        Args:
            logger: Name of the logger; those below `perennial` speak to the person at the terminal.
            stage: What is done to the rows, such as `read`.
        """
        self._logger = logging.getLogger(logger)
        self._stage = stage
        self._rows = 0
        self._started = self._said = time.monotonic()

    def add(self, rows: int) -> None:
        """Counts rows that are done."""
        self._rows += rows
        now = time.monotonic()
        if now - self._said >= _SILENCE_SECONDS:
            self._said = now
            self._logger.info("%s %s", self._stage, rate(self._rows, now - self._started))


def rate(rows: int, seconds: float) -> str:
    """Rows, seconds and rows a second, as a log line has them."""
    return f"{rows:,} rows in {seconds:.1f} s ({rows / max(seconds, 1e-3):,.0f} rows/s)"
