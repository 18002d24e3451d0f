"""Holds the histories of users in memory: one flat array of interactions, and where each user's part begins."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from configs.leave_out import LeaveOut, is_left_out
from trainer.examples import ragged, read_examples
from transforms import features
from transforms.hashing import id_hashes


@dataclasses.dataclass(frozen=True)
class Histories:
    """One split. User `u`'s history is `item[offset[u]:offset[u + 1]]`, oldest first.

    Items are numbers in an index that the reader of the split chooses, such as their places in the catalogue.

    Attributes:
        user: int `[users]`, a number that the reader chooses for each user, such as the place in the user vocabulary.
        offset: int64 `[users + 1]`.
        item: int32 `[interactions]`, the item's number in the index; -1 for one outside it.
        weight: float32 `[interactions]`, 1 for a plain like.
        target_offset: int64 `[users + 1]`, the same for `target`.
        target: object `[targets]`, the ids of the held-out items as bytes, oldest first.
        timestamp: int64 `[interactions]`, Unix seconds; None if the log has no times, or nobody asks for them.
    """

    user: npt.NDArray[np.integer[Any]]
    offset: npt.NDArray[np.int64]
    item: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    target_offset: npt.NDArray[np.int64]
    target: npt.NDArray[np.object_]
    timestamp: npt.NDArray[np.int64] | None = None

    @property
    def users(self) -> int:
        """Number of users."""
        return len(self.user)

    @property
    def length(self) -> npt.NDArray[np.int64]:
        """Interactions of each user, `[users]`."""
        return np.diff(self.offset)

    @property
    def row(self) -> npt.NDArray[np.int64]:
        """The user of each interaction, `[interactions]`."""
        return np.repeat(np.arange(self.users), self.length)

    def take(self, rows: npt.NDArray[np.int64]) -> "Histories":
        """The given users, in the given order."""
        offset, places = _slices(self.offset, rows)
        target_offset, target_places = _slices(self.target_offset, rows)
        return Histories(
            self.user[rows],
            offset,
            self.item[places],
            self.weight[places],
            target_offset,
            self.target[target_places],
            self.timestamp[places] if self.timestamp is not None else None,
        )

    def newest(self, limit: int) -> "Histories":
        """The same users with their newest interactions, at most `limit` of each; all of them if none has more."""
        length = np.minimum(self.length, limit)
        if np.array_equal(length, self.length):
            return self
        offset = ends(length)
        at = np.arange(offset[-1]) + np.repeat(self.offset[1:] - offset[1:], length)
        timestamp = self.timestamp[at] if self.timestamp is not None else None
        return dataclasses.replace(self, offset=offset, item=self.item[at], weight=self.weight[at], timestamp=timestamp)

    def with_items(self, number: npt.NDArray[np.integer[Any]]) -> "Histories":
        """The same histories in another index.

        Args:
            number: `[items]`, the number in the other index of each item of this one; -1 for one outside it.
        """
        # Item -1 reads the last element, which is the appended -1.
        return dataclasses.replace(self, item=np.append(number, -1).astype(np.int32)[self.item])

    def left_out(self, rule: LeaveOut) -> "Histories":
        """The same histories, with the items that recommendations leave out; -1 in the place of the others."""
        kept = np.where(is_left_out(self.weight, rule), self.item, np.int32(-1))
        return dataclasses.replace(self, item=kept)

    def inside(
        self, rows: npt.NDArray[np.int64], newest: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The interactions of some users with items inside the index.

        Args:
            rows: The users.
            newest: Take this many of the newest interactions of each user. None: all.

        Returns:
            For each interaction: the index of its user in `rows`, its item, and its weight.
        """
        end, length = self.offset[rows + 1], self.length[rows]
        if newest is not None:
            length = np.minimum(length, newest)
        before = np.cumsum(length) - length
        at = np.arange(int(length.sum())) + np.repeat(end - length - before, length)
        row = np.repeat(np.arange(len(rows)), length)
        known = self.item[at] >= 0
        return row[known], self.item[at][known].astype(np.int64), self.weight[at][known]


def hash_order(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The order of users by the hashes of their ids, `[users]`: trainer and evaluator measure the same first users."""
    return np.argsort(hashes, kind="stable")


def read_histories(patterns: Iterable[str]) -> Histories:
    """Reads one split of transformed Examples.

    The order of users in the files depends on Beam's workers; here it is the order of a hash of the user's id, so that
    two runs on the same data see the same arrays.

    Args:
        patterns: Globs of gzipped TFRecord files.

    Returns:
        The split. Users are int32 places in the user vocabulary, -1 for one that training has not seen; items are
        numbers in the vocabulary of interacted items. History items outside the vocabulary are left out, because
        training learns nothing about them.

    Raises:
        TrainingError: No file matches.
    """
    columns = read_examples(patterns, _SPEC)
    if columns is None:
        nothing = np.zeros(0, np.int32)
        start = np.zeros(1, np.int64)
        return Histories(nothing, start, nothing, nothing.astype(np.float32), start, np.zeros(0, object))
    item = columns[features.HISTORY_INDEX].values.numpy()
    known = item >= 0
    kept_before = ends(known)
    timestamp = columns[features.HISTORY_TIMESTAMP].values.numpy()
    split = Histories(
        user=columns[features.USER_INDEX].numpy().astype(np.int32),
        offset=kept_before[columns[features.HISTORY_INDEX].row_splits.numpy()],
        item=item[known].astype(np.int32),
        weight=columns[features.HISTORY_WEIGHT].values.numpy()[known],
        target_offset=columns[features.TARGET_ITEM_ID].row_splits.numpy(),
        target=columns[features.TARGET_ITEM_ID].values.numpy(),
        timestamp=timestamp[known] if len(timestamp) == len(known) else None,
    )
    return split.take(hash_order(id_hashes(columns[features.USER_ID])))


def ends(length: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """0 and the cumulative sum: where slices of these lengths begin and end."""
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


_SPEC = {
    features.USER_ID: tf.io.FixedLenFeature([], tf.string),
    features.USER_INDEX: tf.io.FixedLenFeature([], tf.int64),
    features.HISTORY_INDEX: ragged(tf.int64),
    features.HISTORY_WEIGHT: ragged(tf.float32),
    features.HISTORY_TIMESTAMP: ragged(tf.int64),
    features.TARGET_ITEM_ID: ragged(tf.string),
}


def _slices(
    offset: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The offsets of chosen rows placed one after the other, and the old place of each of their values."""
    length = np.diff(offset)[rows]
    new_offset = ends(length)
    places = np.arange(new_offset[-1]) + np.repeat(offset[:-1][rows] - new_offset[:-1], length)
    return new_offset, places
