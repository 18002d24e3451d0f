"""Defines what a tuner may search: ranges of numbers, and lists of values.

A range maps a position from 0 to 1 to a value, so that one sampler serves all of them.
"""

import math
from dataclasses import dataclass

Value = bool | int | float | str
"""A value of a setting that can be searched."""

_DIGITS = 4
"""Significant digits of a sampled number: more of them change no model, and nobody reads them."""


@dataclass(frozen=True)
class FloatRange:
    """Numbers from `low` to `high`. With `log`, a step multiplies: values are spread evenly over their logarithms."""

    low: float
    high: float
    log: bool = False

    def at(self, position: float) -> float:
        """The value at a position from 0 to 1."""
        if self.log:
            return _rounded(self.low * (self.high / self.low) ** position)
        return _rounded(self.low + (self.high - self.low) * position)

    def position(self, value: Value) -> float:
        """The position of a value; 0 or 1 for one that lies outside the range."""
        number = min(max(float(value), self.low), self.high)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def __str__(self) -> str:
        """The range in words."""
        return f"{self.low:g} to {self.high:g}{', by factors' if self.log else ''}"


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included; `log` as in `FloatRange`."""

    low: int
    high: int
    log: bool = False

    def at(self, position: float) -> int:
        """The value at a position from 0 to 1."""
        return round(self._as_floats.at(position))

    def position(self, value: Value) -> float:
        """The position of a value; 0 or 1 for one that lies outside the range."""
        return self._as_floats.position(value)

    @property
    def _as_floats(self) -> FloatRange:
        return FloatRange(self.low, self.high, self.log)

    def __str__(self) -> str:
        """The range in words."""
        return str(self._as_floats)


@dataclass(frozen=True)
class Choice:
    """One of some values. Values that are near to each other should be neighbours in the list."""

    values: tuple[Value, ...]

    def at(self, position: float) -> Value:
        """The value at a position from 0 to 1."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def position(self, value: Value) -> float:
        """The position of a value; that of the middle for one that is not in the list."""
        if value not in self.values:
            return 0.5
        return (self.values.index(value) + 0.5) / len(self.values)

    def __str__(self) -> str:
        """The values in words."""
        return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in self.values)


Range = FloatRange | IntRange | Choice
"""What a tuner may give to one setting."""


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
