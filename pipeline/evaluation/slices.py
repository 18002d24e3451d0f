"""Divides the targets into slices that are measured separately. A slice's users are those with a target in it."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from configs.evaluation import Evaluation
from pipeline.evaluation.measures import Slices
from trainer.histories import Histories
from trainer.popularity import popularity_order
from trainer.targets import Targets


def slices_of(
    users: Histories,
    targets: Targets,
    count: npt.NDArray[np.int64],
    trained: npt.NDArray[np.integer[Any]],
    settings: Evaluation,
) -> Slices:
    """Assigns targets to slices.

    Args:
        users: The evaluated users, by their hashes.
        targets: The items that were held out from them.
        count: `[items]`, the number of training interactions.
        trained: Hashes of the users of the train split.
        settings: The bounds of the slices.

    Returns:
        `user_activity` by the length of the history; `target_popularity` head, torso and tail; `user` known or unknown
        in training; `target` with or without training events. A target outside the catalogue is in no slice of
        `target_popularity` or `target`.
    """
    length = users.length[targets.row]
    edges = (0, *settings.activity_from, np.inf)
    activity = {
        name: (length >= low) & (length < high)
        for name, (low, high) in zip(settings.slices["user_activity"], itertools.pairwise(edges), strict=True)
    }
    inside = targets.place >= 0
    part = _popularity_part(count, settings)[targets.place]
    known = np.isin(users.user, trained)[targets.row]
    has_events = (count > 0)[targets.place]
    return {
        "user_activity": activity,
        "target_popularity": {
            name: inside & (part == n) for n, name in enumerate(settings.slices["target_popularity"])
        },
        "user": {"known": known, "unknown": ~known},
        "target": {"with events": inside & has_events, "without events": inside & ~has_events},
    }


def _popularity_part(count: npt.NDArray[np.int64], settings: Evaluation) -> npt.NDArray[np.int64]:
    """Returns 0, 1, 2 for items of head, torso and tail, `[items]`."""
    order = popularity_order(count)
    # For each item, the interactions of all items before it: the item that crosses a share still belongs to that part.
    before = np.cumsum(count[order]) - count[order]
    ends = np.array([settings.head_share, settings.head_share + settings.torso_share]) * count.sum()
    part = np.empty(len(count), np.int64)
    part[order] = np.where(count[order] > 0, np.searchsorted(ends, before, side="right"), 2)
    return part
