"""Counts how often each item occurs in training, and ranks the catalogue by that count, the same for every user."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from common.errors import TrainingError
from trainer.chunks import padded_chunks
from trainer.histories import Histories

SECONDS_A_DAY = 86_400

_VALUES_A_CHUNK = 1 << 24
"""Values held at a time, in a few arrays of at most four bytes a value."""


def interaction_counts(histories: Histories, items: int) -> npt.NDArray[np.int64]:
    """The number of interactions of each item of the histories' index, `[items]`."""
    return np.bincount(histories.item[histories.item >= 0], minlength=items)


def popularity_shares(histories: Histories, items: int) -> npt.NDArray[np.float32]:
    """Each item's share of the training interactions, `[items]`; they sum to 1."""
    count = interaction_counts(histories, items)
    return (count / max(count.sum(), 1)).astype(np.float32)


def recent_popularity(histories: Histories, items: int, days: float) -> npt.NDArray[np.float64]:
    """How popular each item was in the last days, which end with the newest interaction.

    Args:
        histories: The train split, with times; items are places in the catalogue.
        items: Size of the catalogue.
        days: How many days count, of 86,400 seconds each.

    Returns:
        `[items]`, which sum to 1: the share of the interactions of these days, and of one interaction more that is
        split by the popularity of all time. So items that were not met in these days follow by that.

    Raises:
        TrainingError: The histories have no times.
    """
    if histories.timestamp is None:
        raise TrainingError(
            "the log has no times, so nothing is known of the last days: name its time column, log.columns.timestamp, "
            "or count all interactions"
        )
    is_recent = histories.timestamp > histories.timestamp.max(initial=0) - days * SECONDS_A_DAY
    recent = interaction_counts(dataclasses.replace(histories, item=np.where(is_recent, histories.item, -1)), items)
    shares: npt.NDArray[np.float64] = (recent + popularity_shares(histories, items)) / (recent.sum() + 1)
    return shares


def popularity_order(popularity: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Places of all items `[items]`, the most popular first, ties by place.

    Args:
        popularity: `[items]`, the training interactions of each item, or its share of them.
    """
    return np.argsort(-popularity, kind="stable")


def popularity_ranking(histories: Histories, popularity: npt.NDArray[Any], k: int) -> npt.NDArray[np.int32]:
    """Ranks the catalogue by popularity for each user, without what is left out; ties by place.

    Args:
        histories: The users to rank for, with the items that are left out, as of `Histories.left_out`; items are places
            in the catalogue.
        popularity: `[items]`, the training interactions of each item, or its share of them.
        k: Items for each user.

    Returns:
        `[users, k]` places, best first; -1 pads if fewer items are left.
    """
    items = len(popularity)
    order = popularity_order(popularity).astype(np.int32)
    rank_of = np.empty(items, np.int64)
    rank_of[order] = np.arange(items)
    ranked = np.full((histories.users, k), -1, np.int32)
    # However long a history is, the best k of the other items are among the first k + length.
    widths = np.minimum(items, k + histories.length)
    for rows in padded_chunks(widths, _VALUES_A_CHUNK):
        width = int(widths[rows[-1]])
        is_free = np.ones((len(rows), width), np.bool_)
        row, item, _ = histories.inside(rows)
        seen = rank_of[item]
        is_free[row[seen < width], seen[seen < width]] = False
        position = np.cumsum(is_free, axis=1, dtype=np.int32)
        row, column = np.nonzero(is_free & (position <= k))
        ranked[rows[row], position[row, column] - 1] = order[column]
    return ranked
