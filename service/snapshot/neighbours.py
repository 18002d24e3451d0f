"""The nearest items of each item, for a model without embeddings: what its signature `similar_items` says, as a table.

With embeddings there is no table: the service then compares the embeddings, and knows all neighbours.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from service.backends.backend import Tensor
from service.snapshot.features import Places

NEIGHBOURS = 200
"""Neighbours of an item in the table. Models of tables keep as many, and people look at few."""

MOST_ITEMS = 100_000
"""The largest catalogue that has a table: the model compares each item with all others, which takes minutes for
more."""

_SCORES_A_PAGE = 1 << 22
"""Scores that the model holds for one answer: 16 MiB."""

_BYTES_A_PAGE = 2 << 20
"""Ids and scores in one answer: half of gRPC's default limit of 4 MiB for a message."""

_BYTES_A_NEIGHBOUR = 8
"""What a neighbour takes beside its id: the id's length, and the score."""

_PLACES_FILE, _WEIGHTS_FILE = "neighbours.npy", "neighbour_weights.npy"

Ask = Callable[[str, Mapping[str, Tensor]], Awaitable[dict[str, Tensor]]]


class Neighbours(NamedTuple):
    """The table.

    Attributes:
        places: int32 `[items, n]`, the nearest first; -1 pads.
        weights: float32 of the same shape, how near each is; 0 pads.
    """

    places: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]

    def nearest(self, asked: Places, answered: Places) -> tuple[Places, npt.NDArray[np.float32]]:
        """For each answered place `[n]`, which of the asked `[q]` it is the nearest neighbour of.

        Returns:
            Places int64 `[n]`, the first of several that are equally near, and weights float32 `[n]`; -1 and 0 for an
            item that is a neighbour of none of them.
        """
        position = np.full(len(self.places), -1, np.int64)
        position[answered] = np.arange(len(answered))
        places, weights = self.places[asked], self.weights[asked]
        at = np.where(places >= 0, position[places], -1)
        owner, column = np.nonzero(at >= 0)
        at, weight = at[owner, column], weights[owner, column]
        best = np.full(len(answered), -np.inf, np.float32)
        np.maximum.at(best, at, weight)
        reason = np.full(len(answered), -1, np.int64)
        is_best = np.flatnonzero(weight == best[at])[::-1]  # the first of several is written last
        reason[at[is_best]] = asked[owner[is_best]]
        return reason, np.where(reason >= 0, best, np.float32(0))


async def write_neighbours(ask: Ask, folder: str | Path, item_ids: Sequence[str]) -> None:
    """Asks for the neighbours of all items, and writes the table.

    Args:
        ask: Asks a signature of the model.
        folder: The snapshot's folder.
        item_ids: The catalogue in its order.

    Raises:
        ModelError: The model answers with an item that its catalogue lacks.
        BackendError: The model did not answer.
        OSError: A file cannot be written.
    """
    place_of = {item_id.encode(): place for place, item_id in enumerate(item_ids)} | {b"": -1}
    items = len(item_ids)
    width, longest = min(NEIGHBOURS, items), max(map(len, place_of))
    rows = max(min(_SCORES_A_PAGE // items, _BYTES_A_PAGE // (width * (longest + _BYTES_A_NEIGHBOUR))), 1)
    places = np.lib.format.open_memmap(Path(folder, _PLACES_FILE), "w+", np.int32, (items, width))
    weights = np.lib.format.open_memmap(Path(folder, _WEIGHTS_FILE), "w+", np.float32, (items, width))
    for start in range(0, items, rows):
        page = slice(start, min(start + rows, items))
        asked = np.array([item_id.encode() for item_id in item_ids[page]], object)
        answer = await ask("similar_items", {"item_id": asked, "k": np.full(len(asked), width, np.int32)})
        try:
            found = np.array([[place_of[item] for item in row] for row in answer["item_id"].tolist()], np.int32)
        except KeyError as e:
            raise ModelError(f"similar_items: answers with {e}, which is not in the catalogue") from e
        places[page] = found
        weights[page] = np.where(found >= 0, answer["score"], 0)
    places.flush()
    weights.flush()


def read_neighbours(folder: str | Path) -> Neighbours:
    """Opens the table of a folder, on the mapped files."""
    places, weights = (np.load(Path(folder, name), mmap_mode="r") for name in (_PLACES_FILE, _WEIGHTS_FILE))
    return Neighbours(np.asarray(places), np.asarray(weights))
