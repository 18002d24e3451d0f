"""Holds targets out of the train split, to choose by: when training stops, how a blend weighs, which model is best.

The eval split cannot be chosen by: the gate judges on it, and would find the chosen model better than it is.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from configs.models.base import Validation
from trainer.data import TrainingData
from trainer.histories import Histories, ends
from trainer.popularity import popularity_shares

_SHARE = 0.1
"""Share of the interactions that are held out at random, or by time."""

_SEED = 0
"""Not the seed of the training: all models and trials are compared on the same targets."""


def hold_out(data: TrainingData, how: Validation, max_users: int) -> TrainingData | None:
    """Holds out targets as the eval split does.

    Args:
        data: The data of a run.
        how: The newest item of each user, random ones, or all items of the newest days. Without times, `time` is as
            `newest`.
        max_users: The most users who have targets, the first ones in id-hash order.

    Returns:
        The same data with a smaller train split, and with the targets as its eval split; None if nobody has two items
        to tell apart. A target is an item that its user has no other interaction with. A user keeps at least one
        interaction, but not by `time`: then the query of a user without history is that of a new user, as there are in
        the eval split.
    """
    train = data.interactions
    by_time = how == "time" and train.timestamp is not None
    chosen = _random(train) if how == "random" else _latest(train) if by_time else _newest(train)
    chosen &= _is_single(train)
    if not by_time:
        chosen &= _are_others_left(train, chosen)
    users = np.unique(train.row[chosen])[:max_users]
    chosen &= np.isin(train.row, users)
    if not chosen.any() or chosen.all():
        return None
    kept = _without(train, chosen)
    ids = np.array(data.interacted_items, object)
    targets = dataclasses.replace(
        kept,
        user=np.where(kept.length > 0, kept.user, -1),
        target_offset=ends(np.bincount(train.row[chosen], minlength=train.users)),
        target=ids[train.item[chosen]],
    )
    popularity = popularity_shares(kept.with_items(data.candidates.place), data.candidates.items)
    return dataclasses.replace(data, interactions=kept, held_out=targets.take(users), popularity=popularity)


def share_held_out(data: TrainingData, validation: TrainingData) -> float:
    """The share of the training interactions that `hold_out` held out."""
    return 1 - len(validation.interactions.item) / len(data.interactions.item)


def _newest(train: Histories) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(len(train.item), np.bool_)
    chosen[train.offset[1:][train.length > 0] - 1] = True
    return chosen


def _latest(train: Histories) -> npt.NDArray[np.bool_]:
    """At most `_SHARE` of all interactions, the newest; but all of the newest moment, if these are more."""
    assert train.timestamp is not None
    last = np.quantile(train.timestamp, 1 - _SHARE, method="higher")
    later: npt.NDArray[np.bool_] = train.timestamp > last
    return later if later.any() else train.timestamp == last


def _random(train: Histories) -> npt.NDArray[np.bool_]:
    chosen: npt.NDArray[np.bool_] = np.random.default_rng(_SEED).random(len(train.item)) < _SHARE
    return chosen


def _is_single(train: Histories) -> npt.NDArray[np.bool_]:
    """Which interactions are the only one of their user with their item."""
    pair = train.row * (int(train.item.max(initial=0)) + 1) + train.item
    _, index, count = np.unique(pair, return_inverse=True, return_counts=True)
    single: npt.NDArray[np.bool_] = count[index] == 1
    return single


def _are_others_left(train: Histories, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which interactions are of a user who keeps some."""
    left = np.bincount(train.row[~chosen], minlength=train.users)
    kept: npt.NDArray[np.bool_] = left[train.row] > 0
    return kept


def _without(train: Histories, chosen: npt.NDArray[np.bool_]) -> Histories:
    return dataclasses.replace(
        train,
        offset=ends(~chosen)[train.offset],
        item=train.item[~chosen],
        weight=train.weight[~chosen],
        timestamp=train.timestamp[~chosen] if train.timestamp is not None else None,
    )
