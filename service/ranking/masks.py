"""Says which items pass a filter: exactly, for the whole catalogue, and kept for the next who asks the same."""

import dataclasses
import threading
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from common.errors import QueryError
from service.ranking.filters import And, Filter, Not, Or, Range, Values
from service.snapshot.features import Feature, Numbers, Places, Words
from service.snapshot.snapshot import Snapshot

_MAX_BYTES = 64 << 20
"""Bytes of kept masks of one snapshot: 1,000 or more of 10,000 items, some hundred of 100,000."""

_ENTRY_BYTES = 1000
"""Bytes of a mask beside its arrays, so that small catalogues do not keep any number of filters."""

_BOUND_BYTES = 200
"""Bytes of a filter beside its text, for each value; see `_size`."""

Bools = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Mask:
    """What passes a filter.

    Attributes:
        allowed: bool `[items]`.
        places: int64, places of the items that pass, ascending.
    """

    allowed: Bools
    places: Places

    @property
    def nbytes(self) -> int:
        """Size of the arrays."""
        return self.allowed.nbytes + self.places.nbytes


class Masks:
    """The masks of one snapshot, for many threads; those that were asked for last are kept."""

    def __init__(self, snapshot: Snapshot, max_bytes: int = _MAX_BYTES) -> None:
        """Begins without masks.

        Args:
            snapshot: The items.
            max_bytes: Bytes that kept masks may take.
        """
        self._snapshot, self._max_bytes = snapshot, max_bytes
        self._kept: OrderedDict[Filter, Mask] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, wanted: Filter) -> Mask:
        """The mask of a filter.

        Raises:
            QueryError: The catalogue has no such feature, or the feature has another kind than the filter takes it for.
        """
        with self._lock:
            if wanted in self._kept:
                self._kept.move_to_end(wanted)
                return self._kept[wanted]
        # Outside of the lock: two threads may make the same mask, and none waits for another's.
        allowed = _allowed(wanted, self._snapshot)
        mask = Mask(allowed, np.flatnonzero(allowed))
        for array in (mask.allowed, mask.places):
            array.flags.writeable = False
        with self._lock:
            if wanted not in self._kept:
                self._kept[wanted] = mask
                self._bytes += mask.nbytes + _size(wanted)
            while self._bytes > self._max_bytes:
                oldest, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.nbytes + _size(oldest)
        return mask


def feature_of(snapshot: Snapshot, name: str, at: str) -> Feature:
    """A feature by its name.

    Raises:
        QueryError: The catalogue has no such feature.
    """
    feature = snapshot.features.get(name)
    if feature is None:
        names = ", ".join(sorted(snapshot.features)) or "none"
        raise QueryError(f"{at}: the catalogue has no such feature. It has: {names}")
    return feature


def _size(wanted: Filter) -> int:
    """An upper bound of a filter's bytes in memory."""
    if isinstance(wanted, (And, Or)):
        return _ENTRY_BYTES + sum(map(_size, wanted.parts))
    if isinstance(wanted, Not):
        return _ENTRY_BYTES + _size(wanted.part)
    # A character takes up to four bytes.
    texts = wanted.values if isinstance(wanted, Values) else ()
    return _ENTRY_BYTES + 4 * len(wanted.feature) + sum(_BOUND_BYTES + 4 * len(text) for text in texts)


def _allowed(wanted: Filter, snapshot: Snapshot) -> Bools:
    if isinstance(wanted, And):
        return np.logical_and.reduce([_allowed(part, snapshot) for part in wanted.parts])
    if isinstance(wanted, Or):
        return np.logical_or.reduce([_allowed(part, snapshot) for part in wanted.parts])
    if isinstance(wanted, Not):
        return ~_allowed(wanted.part, snapshot)
    feature = feature_of(snapshot, wanted.feature, wanted.at)
    if isinstance(wanted, Range):
        if not isinstance(feature, Numbers):
            raise QueryError(
                f"{wanted.at}: a feature of kind {feature.kind} has no ranges. Write the value after a colon; one that "
                "looks like a range stands in double quotes"
            )
        return _within(feature, wanted, snapshot.items)
    each = [_having(feature, value, wanted.at, snapshot.items) for value in dict.fromkeys(wanted.values)]
    if wanted.how == "all":
        return np.logical_and.reduce(each)
    found: Bools = np.logical_or.reduce(each)
    return found if wanted.how == "any" else ~found


def _having(feature: Feature, value: str, at: str, items: int) -> Bools:
    """Which items have a value."""
    if isinstance(feature, Words):
        allowed = np.zeros(items, np.bool_)
        allowed[feature.places_of(value)] = True
        return allowed
    try:
        number = float(value)
    except ValueError:
        raise QueryError(f"{at}: a feature of numbers has no value that is none. Write a number or a range") from None
    return _within(feature, Range("", number, number), items)


def _within(feature: Numbers, wanted: Range, items: int) -> Bools:
    values = feature.values
    within = np.ones(len(values), np.bool_)
    # In the values' own type: 9.99 as float32 is above 9.99 as float64. What is too large becomes an infinity.
    with np.errstate(over="ignore"):
        if wanted.low is not None:
            low = np.asarray(wanted.low).astype(values.dtype)
            within &= values >= low if wanted.with_low else values > low
        if wanted.high is not None:
            high = np.asarray(wanted.high).astype(values.dtype)
            within &= values <= high if wanted.with_high else values < high
    allowed = np.zeros(items, np.bool_)
    allowed[feature.owner[within]] = True
    return allowed
