"""Cuts rows into chunks whose values fit in memory."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def chunks(values: npt.NDArray[np.int64], most: int) -> Iterator[slice]:
    """Cuts rows into chunks and keeps their order.

    Args:
        values: `[rows]`, how many values each row holds.
        most: Values in a chunk; a row that holds more is a chunk of its own.

    Yields:
        The rows of each chunk.
    """
    end = np.cumsum(values)
    start = 0
    while start < len(values):
        held = int(end[start] - values[start]) + most
        stop = max(start + 1, int(np.searchsorted(end, held, side="right")))
        yield slice(start, stop)
        start = stop


def padded_chunks(values: npt.NDArray[np.int64], most: int) -> Iterator[npt.NDArray[np.int64]]:
    """Puts rows of similar length into one chunk, so that padding each to the longest of its chunk adds little.

    Args:
        values: `[rows]`, how many values each row holds, one or more.
        most: Values in a chunk once its rows are padded; a row that holds more is a chunk of its own.

    Yields:
        The rows of each chunk, the shortest first.
    """
    order = np.argsort(values, kind="stable")
    start = 0
    while start < len(order):
        # No more rows fit than if all were as short as the first; of these, as many as fit at their longest.
        length = values[order[start : start + max(1, most // int(values[order[start]]))]]
        fits = np.flatnonzero(length * np.arange(1, len(length) + 1) <= most)
        stop = start + (int(fits[-1]) + 1 if len(fits) else 1)
        yield order[start:stop]
        start = stop
