"""Finds the places of held-out items in the catalogue, and counts those that no ranking can reach."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainer.histories import Histories

ID = pa.large_binary()
"""The Arrow type of ids. The other type, `binary`, holds at most 2 GiB."""


class Targets(NamedTuple):
    """The held-out items of each user, without repeats, sorted by user and then by place.

    Two kinds of targets are never recommended: one that is left out because its user has met it, which occurs in a log
    that keeps repeats, and one outside the catalogue. Both are misses: without them, a model would be measured on the
    easier targets only.

    Attributes:
        row: int64 `[targets]`, the user of each target, rising.
        place: int64 `[targets]`, its place in the catalogue; -1 for one outside it.
        met: bool `[targets]`, whether it is left out because the user has met it.
    """

    row: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    met: npt.NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, int]:
        """The number of targets, and of those that no ranking can reach."""
        return {
            "targets": len(self.row),
            "targets_met": int(self.met.sum()),
            "targets_outside_catalogue": int((self.place < 0).sum()),
        }


def find_targets(histories: Histories, catalogue: Any) -> Targets:
    """Looks the held-out items up in the catalogue.

    Args:
        histories: The split, with the items that are left out, as of `Histories.left_out`; items are places in the
            catalogue.
        catalogue: Ids `[items]` in the order of their places, as bytes or as a pyarrow array.

    Returns:
        The targets. Two different items outside the catalogue count as two targets.
    """
    encoded = pa.array(histories.target, ID).dictionary_encode()
    items, others = len(catalogue), len(encoded.dictionary)
    place = places_of(encoded.dictionary, catalogue)
    # Items outside the catalogue get numbers after its last place, so that two of them are two targets.
    number = np.where(place >= 0, place, items + np.arange(others))[encoded.indices.to_numpy()]
    row = np.repeat(np.arange(histories.users), np.diff(histories.target_offset))
    pairs = np.unique(row * (items + others) + number)
    target_row, number = np.divmod(pairs, items + others)
    inside = histories.item >= 0
    met = np.isin(pairs, histories.row[inside] * (items + others) + histories.item[inside])
    return Targets(target_row, np.where(number < items, number, -1), met)


def places_of(ids: Any, catalogue: Any) -> npt.NDArray[np.int64]:
    """Finds the places of ids in a catalogue.

    Args:
        ids: `[n]`, as bytes or as a pyarrow array. Pass many at once: each call first makes a table of the catalogue.
        catalogue: Ids `[items]`, as bytes or as a pyarrow array, in the order of their places.

    Returns:
        `[n]`, -1 for an id that the catalogue does not have.
    """
    found = pc.index_in(_as_arrow(ids), value_set=_as_arrow(catalogue))
    places: npt.NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def _as_arrow(ids: Any) -> Any:
    return ids if isinstance(ids, pa.Array) else pa.array(ids, ID)
