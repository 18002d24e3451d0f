"""Who and what is looked at apart. Each slice is a set of targets; its users are those with a target in it."""

import itertools

import numpy as np
import numpy.typing as npt

from configs.evaluation import Evaluation
from pipeline.components.retrieval_evaluator.measures import Slices
from pipeline.components.retrieval_evaluator.users import Users


def slices_of(
    users: Users, count: npt.NDArray[np.int64], trained: npt.NDArray[np.int64], settings: Evaluation
) -> Slices:
    """Assigns targets to slices.

    Args:
        users: The evaluated users.
        count: `[items]`, training interactions.
        trained: Hashes of the users of the train split.
        settings: Where slices begin.

    Returns:
        `user_activity` by the length of the history; `target_popularity` head, torso and tail; `user` known or unknown
        at training; `target` with or without training events. A target outside the catalogue is in neither of the
        slices of items.
    """
    length = users.length[users.target_row]
    edges = (0, *settings.activity_from, np.inf)
    activity = {
        name: (length >= low) & (length < high)
        for name, (low, high) in zip(settings.slices["user_activity"], itertools.pairwise(edges), strict=True)
    }
    inside = users.target >= 0
    part = _popularity_part(count, settings)[users.target]
    known = np.isin(users.hash, trained)[users.target_row]
    has_events = (count > 0)[users.target]
    return {
        "user_activity": activity,
        "target_popularity": {
            name: inside & (part == n) for n, name in enumerate(settings.slices["target_popularity"])
        },
        "user": {"known": known, "unknown": ~known},
        "target": {"with events": inside & has_events, "without events": inside & ~has_events},
    }


def _popularity_part(count: npt.NDArray[np.int64], settings: Evaluation) -> npt.NDArray[np.int64]:
    """0, 1, 2 for items of head, torso and tail, `[items]`."""
    order = np.argsort(-count, kind="stable")
    # The interactions of the items before it: the item that crosses a share still belongs to it.
    before = np.cumsum(count[order]) - count[order]
    ends = np.array([settings.head_share, settings.head_share + settings.torso_share]) * count.sum()
    part = np.empty(len(count), np.int64)
    part[order] = np.where(count[order] > 0, np.searchsorted(ends, before, side="right"), 2)
    return part
