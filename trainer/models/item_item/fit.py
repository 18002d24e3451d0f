"""Fits the item-item model: counts or solves its table, and puts it into the model that is served."""

import numpy as np
import numpy.typing as npt

from common.errors import TrainingError
from configs.models.item_item import ItemItem
from trainer.candidates import Candidates
from trainer.fitting import Fitted, Training
from trainer.histories import Histories
from trainer.models.item_item.cosine import cosine_neighbours
from trainer.models.item_item.directed import directed_neighbours
from trainer.models.item_item.ease import ease_neighbours
from trainer.models.item_item.neighbours import Neighbours, transposed
from trainer.models.item_item.served import ItemItemModel


def architecture(settings: ItemItem) -> str:
    """How the model works."""
    return "item-item: a table of neighbours, counted anew by each training"


def fit(training: Training, settings: ItemItem) -> Fitted:
    """Makes the model; see `trainer.fitting`.

    Raises:
        TrainingError: The method does not fit the log.
    """
    data = training.data
    training.begin({}, settings.passes)
    return Fitted(counted(data.interactions, data.candidates, data.popularity, settings), settings)


def counted(
    interactions: Histories, candidates: Candidates, popularity: npt.NDArray[np.float32], settings: ItemItem
) -> ItemItemModel:
    """Counts or solves the table.

    Args:
        interactions: The train split, with at least one interaction; items are rows.
        candidates: The catalogue.
        popularity: float32 `[items]`, each item's share of the interactions, by place.
        settings: The method and its settings. Nothing but DIMSUM's coins is random.

    Raises:
        TrainingError: The method does not fit the log.
    """
    # Items are numbered in the order of their places, so that ties by number are ties by place.
    by_place = np.argsort(candidates.place)
    number = np.empty(len(by_place), np.int32)
    number[by_place] = np.arange(len(by_place))
    place = candidates.place[by_place]
    found = _neighbours(interactions.with_items(number), popularity[place], settings)
    by_row = Neighbours(place[found.item][number], found.weight[number])
    return ItemItemModel(
        by_row, candidates.row, popularity, settings.history_limit, settings.decay, weighs=settings.use_event_weights
    )


def _neighbours(numbered: Histories, popularity: npt.NDArray[np.float32], settings: ItemItem) -> Neighbours:
    items = len(popularity)
    width = settings.width_for(items)
    method = settings.method_for(items)
    if method == "cosine":
        # An item is recommended for those it is nearest to. Kept the other way round, for each item of a history, the
        # popular items, which are near to all items, would be recommended to all.
        return transposed(cosine_neighbours(numbered, items, width, settings, settings.seed), width)
    if method == "ease":
        return ease_neighbours(numbered, items, width, settings)
    if not settings.is_ordered:
        raise TrainingError(
            "method directed counts what comes after what, and the order of this log has no meaning: it has no "
            "timestamps, or its split is random. Set trainer.method: cosine or ease, or leave it out; or give the "
            "log's time column and a split in time."
        )
    return directed_neighbours(numbered, items, width, popularity, settings)
