"""Reads the columns of a snapshot's items: texts, categories and numbers, each by place, on the mapped file.

Arrow's own scalars cost microseconds each; these read the buffers, as an answer of ten items has some fifty values.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from service.snapshot.document import FeatureKind

Places = npt.NDArray[np.integer[Any]]
"""Places in the catalogue, one dimension."""


class Strings(Sequence[str]):
    """An Arrow array of strings without nulls."""

    def __init__(self, array: pa.Array) -> None:
        """Takes the array's buffers, which stay mapped."""
        self._size = len(array)
        _, offsets, data = array.buffers()
        # A memoryview gives Python's own integers, in half the time of NumPy's.
        if self._size:
            self._offsets = memoryview(offsets).cast("B").cast("i")[array.offset : array.offset + self._size + 1]
        else:  # Arrow allows an empty array to have no offsets at all
            self._offsets = memoryview(bytes(4)).cast("i")
        self._data = memoryview(data) if data is not None else memoryview(b"")

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(self._size))]
        return str(self._data[self._offsets[place] : self._offsets[place + 1]], "utf-8")


class Words:
    """A feature of texts or categories: any number of strings for each item."""

    def __init__(self, kind: FeatureKind, column: pa.ListArray) -> None:
        """Takes a column of lists of strings without nulls."""
        self.kind = kind
        self._offsets = column.offsets.to_numpy()
        self._flat = column.values
        self._strings = Strings(column.values)

    def __getitem__(self, place: int) -> list[str]:
        return [self._strings[n] for n in range(self._offsets[place], self._offsets[place + 1])]

    @property
    def values(self) -> int:
        """Number of different values."""
        return len(self._numbers)

    def number_of(self, value: str) -> int | None:
        """A value's number; None if no item has it."""
        return self._numbers.get(value)

    def places_of(self, value: str) -> Places:
        """Places of the items that have a value."""
        number = self._numbers.get(value)
        if number is None:
            return np.zeros(0, np.int32)
        places, starts = self._inverted
        return places[starts[number] : starts[number + 1]]

    def numbers_of(self, places: Places) -> tuple[npt.NDArray[np.int32], Places]:
        """The numbers of all values of some items, one after the other.

        Args:
            places: `[n]`.

        Returns:
            The values' numbers int32 `[m]`, and for each the position in `places` that it belongs to, int64 `[m]`.
        """
        start = self._offsets[places].astype(np.int64)
        length = self._offsets[places + 1] - start
        owner = np.repeat(np.arange(len(places)), length)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
        return self._encoded[start[owner] + within], owner

    # Made when a filter or `max_per` first asks. Two threads may make the same at once; either result is right.
    @functools.cached_property
    def _dictionary(self) -> Any:
        return self._flat.dictionary_encode()

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {value: number for number, value in enumerate(self._dictionary.dictionary.to_pylist())}

    @functools.cached_property
    def _encoded(self) -> npt.NDArray[np.int32]:
        encoded: npt.NDArray[np.int32] = self._dictionary.indices.to_numpy()
        return encoded

    @functools.cached_property
    def _inverted(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Places by value: those of value v are at `starts[v]` to `starts[v + 1]`."""
        owner = np.repeat(np.arange(len(self._offsets) - 1, dtype=np.int32), np.diff(self._offsets))
        starts = np.concatenate([[0], np.cumsum(np.bincount(self._encoded, minlength=self.values))])
        return owner[np.argsort(self._encoded, kind="stable")], starts


class Numbers:
    """A feature of numbers: any number of them for each item, all finite."""

    kind: FeatureKind = "number"

    def __init__(self, column: pa.ListArray) -> None:
        """Takes a column of lists of float32 or float64 without nulls."""
        self._offsets = column.offsets.to_numpy()
        self._values = column.values.to_numpy()

    def __getitem__(self, place: int) -> list[float]:
        values: list[float] = self._values[self._offsets[place] : self._offsets[place + 1]].tolist()
        return values

    @property
    def values(self) -> npt.NDArray[np.floating[Any]]:
        """All numbers of all items, one after the other, `[m]`."""
        return self._values

    @functools.cached_property
    def owner(self) -> Places:
        """The place of the item that each of `values` belongs to, int32 `[m]`."""
        return np.repeat(np.arange(len(self._offsets) - 1, dtype=np.int32), np.diff(self._offsets))


Feature = Words | Numbers


def read_feature(kind: FeatureKind, column: pa.ListArray) -> Feature:
    """Reads a column of lists of a kind."""
    return Numbers(column) if kind == "number" else Words(kind, column)
