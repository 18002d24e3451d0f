"""Encodes interactions in bulk as serialized Examples, one per user."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from documents.cleaning import EVAL, TRAIN
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.ground import records
from transforms import features


def encode(shard: Interactions, split: str, per_second: int) -> list[bytes]:
    """Encodes one split.

    Args:
        shard: Interactions with `held_out` set.
        split: `train`: users with a history. `eval`: users with held-out interactions, and their histories.
        per_second: The number of the log's time units in a second.

    Returns:
        Serialized tf.Examples, sorted by user id. A feature without values is present and empty. Only eval has values
        of the targets: if they were missing in train, the inferred schema would require them in every training Example.
    """
    history, targets = shard.where(~shard.held_out), shard.where(shard.held_out)
    shown = _counts(history if split == TRAIN else targets) > 0
    columns = {
        features.USER_ID: _lists(np.ones(int(shown.sum()), np.int64), shard.users.filter(pa.array(shown)), pa.binary())
    }
    in_split = history.where(shown[history.user])
    counts = _counts(history)[shown]
    columns[features.ITEM_ID] = _lists(counts, in_split.items.take(pa.array(in_split.item)), pa.binary())
    columns[features.VALUE] = _lists(counts, pa.array(in_split.value.astype(np.float32)), pa.float32())
    if in_split.timestamp is not None:
        columns[features.TIMESTAMP] = _lists(counts, pa.array(in_split.timestamp // per_second), pa.int64())
    asked = targets.where(np.full(len(targets.user), split == EVAL))
    counts = _counts(asked)[shown]
    columns[features.TARGET_ITEM_ID] = _lists(counts, asked.items.take(pa.array(asked.item)), pa.binary())
    columns[features.TARGET_VALUE] = _lists(counts, pa.array(asked.value.astype(np.float32)), pa.float32())
    if asked.timestamp is not None:
        columns[features.TARGET_TIMESTAMP] = _lists(counts, pa.array(asked.timestamp // per_second), pa.int64())
    return records.encode(columns)


def _counts(shard: Interactions) -> npt.NDArray[np.int64]:
    return np.bincount(shard.user, minlength=len(shard.users)).astype(np.int64)


def _lists(counts: npt.NDArray[np.int64], values: Any, kind: Any) -> Any:
    """Cuts values into [users] lists; `counts` holds the length of each."""
    offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int64))
    return pa.LargeListArray.from_arrays(offsets, values.cast(kind))
