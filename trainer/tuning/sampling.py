"""Proposes settings: points that fill the space evenly, and points near the best one so far."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from configs.models.ranges import Range

_WIDTH = 0.3
"""Edge of the box around the best settings, as a share of each range."""


def proposed(
    space: Mapping[str, Range], number: int, seed: int, best: Mapping[str, JsonValue] | None = None
) -> dict[str, JsonValue]:
    """Proposes the settings of one trial.

    The points are Roberts' R-sequence: a sequence that fills a space of any dimension evenly from its first points on,
    for any number of points (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").

    Args:
        space: The ranges by name; at least one.
        number: The number of the point in the sequence, from 0.
        seed: The seed of the sequence's start.
        best: Settings to stay near to. None: the point may lie anywhere.

    Returns:
        Values by name.
    """
    names = sorted(space)  # a dictionary that is written in another order gives the same trials
    point = _point(len(names), number, seed)
    if best is not None:
        centre = np.array([space[name].position(_value(best[name])) for name in names])
        point = np.clip(centre + (point - 0.5) * _WIDTH, 0.0, 1.0)
    return {name: space[name].at(float(position)) for name, position in zip(names, point, strict=True)}


def is_new(values: Mapping[str, JsonValue], tried: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Whether no trial has had these settings; a space of few choices repeats itself."""
    return all(dict(values) != dict(each) for each in tried)


def _point(dimensions: int, number: int, seed: int) -> npt.NDArray[np.float64]:
    """The point of a number, `[dimensions]`, from 0 to 1."""
    start = np.random.default_rng(seed).random(dimensions)
    ratio = 2.0  # the root of x^(d + 1) = x + 1; the iteration converges from here
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    step = ratio ** -np.arange(1.0, dimensions + 1)
    point: npt.NDArray[np.float64] = (start + number * step) % 1.0
    return point


def _value(value: JsonValue) -> bool | int | float | str:
    assert isinstance(value, bool | int | float | str)
    return value
