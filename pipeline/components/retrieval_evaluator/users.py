"""Users in memory: flat arrays of interactions and targets, by their places in today's catalogue."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.components.retrieval_evaluator import blocks
from transforms import features


@dataclasses.dataclass(frozen=True)
class Users:
    """One split. User `u`'s history is `item[offset[u]:offset[u + 1]]`, oldest first.

    Attributes:
        hash: int64 `[users]`, of the user's id.
        offset: int64 `[users + 1]`.
        item: int32 `[interactions]`, places in the catalogue; -1 for one outside it.
        weight: float32 `[interactions]`, 1 for a plain like.
        target_row: int64 `[targets]`, the user of each target, rising; a target that stands twice is one.
        target: int64 `[targets]`, its place; -1 for one outside the catalogue.
    """

    hash: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    item: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    target_row: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of users."""
        return len(self.hash)

    @property
    def length(self) -> npt.NDArray[np.int64]:
        """Interactions of each user, `[users]`."""
        return np.diff(self.offset)

    @property
    def row(self) -> npt.NDArray[np.int64]:
        """The user of each interaction, `[interactions]`."""
        return np.repeat(np.arange(self.count), self.length)

    def met(self) -> npt.NDArray[np.bool_]:
        """Which targets are in their user's history, `[targets]`: no ranking without what was met can hold them."""
        items = int(max(self.item.max(initial=0), self.target.max(initial=0))) + 1
        inside = self.item >= 0
        pairs = self.row[inside] * items + self.item[inside]
        return np.isin(self.target_row * items + self.target, pairs) & (self.target >= 0)

    @classmethod
    def of_blocks(cls, tables: Sequence[Any], catalogue: Any, weighted: bool) -> "Users":
        """Puts blocks together.

        Args:
            tables: pyarrow.Tables of `blocks.without_ids`.
            catalogue: pyarrow array `[items]`, the ids in the order of their places.
            weighted: Whether values weigh the interactions.

        Returns:
            The users of all blocks, one after the other, in the order of their hashes.
        """
        hashes, length, entry, weight = [], [], [], []
        target_row, target_id = [], []
        item_id = [pa.array([], blocks.ID)]
        users, items = 0, 0
        for table in tables:
            entries, offset = blocks.lists(table, features.ITEM_ID)
            hashes.append(blocks.hashes(table))
            length.append(np.diff(offset))
            entry.append(items + entries.indices.to_numpy().astype(np.int64))
            item_id.append(entries.dictionary)
            items += len(entries.dictionary)
            values = blocks.lists(table, features.VALUE)[0]
            weight.append(values.to_numpy() if weighted else np.ones(len(entries), np.float32))
            targets, offset = blocks.lists(table, features.TARGET_ITEM_ID)
            target_id.append(targets.dictionary_decode())
            target_row.append(users + np.repeat(np.arange(table.num_rows), np.diff(offset)))
            users += table.num_rows
        # At once, since looking up ids begins with a table of the whole catalogue.
        place = _places(pa.concat_arrays(item_id), catalogue).astype(np.int32)
        item = place[_joined(entry, np.int64)]
        hash_ = _joined(hashes, np.int64)
        order = np.argsort(hash_, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(users)
        lengths = _joined(length, np.int64)
        start = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        offset = np.concatenate([[0], np.cumsum(lengths[order])]).astype(np.int64)
        take = np.arange(offset[-1]) + np.repeat(start[order] - offset[:-1], lengths[order])
        rows, target = _distinct(
            rank[_joined(target_row, np.int64)], pa.concat_arrays([pa.array([], blocks.ID), *target_id]), catalogue
        )
        return cls(
            hash=hash_[order],
            offset=offset,
            item=item[take],
            weight=_joined(weight, np.float32)[take],
            target_row=rows,
            target=target,
        )


def _places(ids: Any, catalogue: Any) -> npt.NDArray[np.int64]:
    """Places of ids; -1 outside the catalogue."""
    return pc.fill_null(pc.index_in(ids, value_set=catalogue), -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _distinct(
    row: npt.NDArray[np.int64], target_id: Any, catalogue: Any
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each target of a user once, also those outside the catalogue, of which two are two."""
    encoded = target_id.dictionary_encode()
    ids = max(1, len(encoded.dictionary))
    rows, entry = np.divmod(np.unique(row * ids + encoded.indices.to_numpy()), ids)
    return rows, _places(encoded.dictionary, catalogue)[entry]


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays]).astype(dtype)
