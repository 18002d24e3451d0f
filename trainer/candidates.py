"""Holds the transformed catalogue in memory, and maps its places to the vocabulary of interacted items and back."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from common.errors import TrainingError
from trainer.examples import ragged, read_examples
from transforms import features


@dataclasses.dataclass(frozen=True)
class Content:
    """One content feature of all items: item `i` has the indices `index[offset[i]:offset[i + 1]]`.

    Attributes:
        index: int32 `[indices]`, each in `[0, size)`.
        offset: int64 `[items + 1]`.
        size: The number of possible indices.
    """

    index: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    size: int


@dataclasses.dataclass(frozen=True)
class Candidates:
    """All items that can be recommended, in the order of their places.

    Attributes:
        item_id: object `[items]`, bytes.
        title: object `[items]`, UTF-8 bytes.
        row: int32 `[items]`, the item's row in the embeddings of interacted items; -1 for one without interactions.
        place: int32 `[interacted items]`, the place in the catalogue of each row of the embeddings.
        content: Content features by name.
    """

    item_id: npt.NDArray[np.object_]
    title: npt.NDArray[np.object_]
    row: npt.NDArray[np.int32]
    place: npt.NDArray[np.int32]
    content: dict[str, Content]

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.item_id)


def read_candidates(
    patterns: Iterable[str], interacted_items: list[bytes], content_sizes: dict[str, int]
) -> Candidates:
    """Reads the transformed catalogue.

    Args:
        patterns: Globs of gzipped TFRecord files.
        interacted_items: The vocabulary of interacted items, in order.
        content_sizes: For each content feature, how many different indices it has.

    Returns:
        The candidates.

    Raises:
        TrainingError: The catalogue is empty, holds an item that has no place of its own, or lacks an interacted item.
    """
    spec = {
        features.ITEM_ID: tf.io.FixedLenFeature([], tf.string),
        features.TITLE: tf.io.FixedLenFeature([], tf.string),
        features.CATALOGUE_INDEX: tf.io.FixedLenFeature([], tf.int64),
        **{features.content_index(name): ragged(tf.int64) for name in content_sizes},
    }
    columns = read_examples(patterns, spec)
    if columns is None:
        raise TrainingError("The catalogue is empty: there is nothing to recommend. Check the catalogue's path.")
    places = columns[features.CATALOGUE_INDEX].numpy()
    order = np.argsort(places, kind="stable")
    if not np.array_equal(places[order], np.arange(len(places))):
        raise TrainingError(
            f"The catalogue's {len(places)} items have {len(np.unique(places[places >= 0]))} different places: its "
            "Examples and its transform graph are from different runs. Run CatalogueGen and CatalogueTransform again."
        )
    item_id = columns[features.ITEM_ID].numpy()[order]
    place_of = {item: place for place, item in enumerate(item_id)}
    missing = [item for item in interacted_items if item not in place_of]
    if missing:
        raise TrainingError(
            f"{len(missing)} of {len(interacted_items)} interacted items are not in the catalogue, which should hold "
            "at least their ids. Run CatalogueGen on the log that InteractionGen read."
        )
    place = np.array([place_of[item] for item in interacted_items], np.int32)
    row = np.full(len(item_id), -1, np.int32)
    row[place] = np.arange(len(place), dtype=np.int32)
    return Candidates(
        item_id=item_id,
        title=columns[features.TITLE].numpy()[order],
        row=row,
        place=place,
        content={
            name: _content(tf.gather(columns[features.content_index(name)], order), size)
            for name, size in content_sizes.items()
        },
    )


def _content(indices: Any, size: int) -> Content:
    flat, splits = indices.values.numpy(), indices.row_splits.numpy()
    known = flat >= 0
    offset = np.concatenate([[0], np.cumsum(known)])[splits]
    return Content(flat[known].astype(np.int32), offset.astype(np.int64), size)
