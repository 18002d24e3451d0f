"""Fits the item-item model: counts or solves its table, and puts it into the model that is served."""

import numpy as np
import numpy.typing as npt

from common.errors import TrainingError
from configs.models.item_item import ItemItem
from trainer.candidates import Candidates
from trainer.histories import Histories
from trainer.models.item_item.cosine import cosine_neighbours
from trainer.models.item_item.directed import directed_neighbours
from trainer.models.item_item.ease import ease_neighbours
from trainer.models.item_item.neighbours import Neighbours
from trainer.models.item_item.served import ItemItemModel


def fit(
    interactions: Histories,
    candidates: Candidates,
    popularity: npt.NDArray[np.float32],
    settings: ItemItem,
    seed: int,
    is_ordered: bool,
) -> ItemItemModel:
    """Fits the model.

    Args:
        interactions: The train split, with at least one interaction; items are rows.
        candidates: The catalogue.
        popularity: float32 `[items]`, each item's share of the interactions, by place.
        settings: The method and its settings.
        seed: Seed of DIMSUM's coins; nothing else is random.
        is_ordered: Whether the order of a history has a meaning.

    Returns:
        The model.

    Raises:
        TrainingError: The method does not fit the log.
    """
    # Items are numbered in the order of their places, so that ties by number are ties by place.
    by_place = np.argsort(candidates.place)
    number = np.empty(len(by_place), np.int32)
    number[by_place] = np.arange(len(by_place))
    numbered = interactions.with_items(number)
    place = candidates.place[by_place]
    found = _neighbours(numbered, popularity[place], settings, seed, is_ordered)
    by_row = Neighbours(place[found.item][number], found.weight[number])
    return ItemItemModel(
        by_row,
        candidates.row,
        settings.history_limit(is_ordered),
        settings.history_decay if is_ordered else 1.0,
    )


def _neighbours(
    numbered: Histories, popularity: npt.NDArray[np.float32], settings: ItemItem, seed: int, is_ordered: bool
) -> Neighbours:
    items = len(popularity)
    width = min(settings.neighbours, items)
    method = settings.method_for(is_ordered, items)
    if method == "cosine":
        return cosine_neighbours(numbered, items, width, settings, seed)
    if method == "ease":
        return ease_neighbours(numbered, items, width, settings)
    if not is_ordered:
        raise TrainingError(
            "method directed counts what comes after what, and the order of this log has no meaning: it has no "
            "timestamps, or its split is random. Set method: cosine or ease, or leave it out; or give the log's time "
            "column and a split in time."
        )
    return directed_neighbours(numbered, items, width, popularity, settings)
