"""The held-out items as places in the catalogue, and how many of them no ranking can reach."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainer.histories import Histories

ID = pa.large_binary()
"""The Arrow type of ids; the one that is not large holds 2 GiB of them at most."""


class Targets(NamedTuple):
    """Each held-out item of a user once, by user and then by place.

    A target in its user's history, which a log that keeps repeats can hold, is never recommended, nor is one outside
    the catalogue. Both are misses: to leave them out would measure a model on the easier part of what users do.

    Attributes:
        row: int64 `[targets]`, the user of each target, rising.
        place: int64 `[targets]`, its place in the catalogue; -1 for one outside it.
        met: bool `[targets]`, whether it is in the user's history.
    """

    row: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    met: npt.NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are, and how many of them no ranking can reach."""
        return {
            "targets": len(self.row),
            "targets_met": int(self.met.sum()),
            "targets_outside_catalogue": int((self.place < 0).sum()),
        }


def find_targets(histories: Histories, catalogue: Any) -> Targets:
    """Looks the held-out items up in the catalogue.

    Args:
        histories: The split; its items are places in the catalogue.
        catalogue: Ids `[items]` in the order of their places, as bytes or as a pyarrow array.

    Returns:
        The targets. Two different items outside the catalogue are two targets of their user.
    """
    encoded = pa.array(histories.target, ID).dictionary_encode()
    items, others = len(catalogue), len(encoded.dictionary)
    place = places_of(encoded.dictionary, catalogue)
    # Items outside the catalogue get numbers after it: two of them are two targets.
    number = np.where(place >= 0, place, items + np.arange(others))[encoded.indices.to_numpy()]
    row = np.repeat(np.arange(histories.users), np.diff(histories.target_offset))
    pairs = np.unique(row * (items + others) + number)
    target_row, number = np.divmod(pairs, items + others)
    inside = histories.item >= 0
    met = np.isin(pairs, histories.row[inside] * (items + others) + histories.item[inside])
    return Targets(target_row, np.where(number < items, number, -1), met)


def places_of(ids: Any, catalogue: Any) -> npt.NDArray[np.int64]:
    """Places of ids in a catalogue.

    Args:
        ids: `[n]`, as bytes or as a pyarrow array; many at once, since each call makes a table of the catalogue first.
        catalogue: Ids `[items]`, likewise, in the order of their places.

    Returns:
        `[n]`, -1 for an id that the catalogue does not have.
    """
    found = pc.index_in(_as_arrow(ids), value_set=_as_arrow(catalogue))
    places: npt.NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def _as_arrow(ids: Any) -> Any:
    return ids if isinstance(ids, pa.Array) else pa.array(ids, ID)
