"""Reads raw interaction Examples: the histories of the train split, and the evaluated users of the eval split.

A block of users is a pyarrow.Table with one row for each user: `user_id`, `hash` int64, and lists `item_id`, `value`
float, `timestamp` int64, `target_item_id` and `target_timestamp` int64; ids are of type `trainer.targets.ID`. The files
are read once and never held as a whole: only the histories of the train split are kept, and the blocks of at most twice
`max_users` users of the eval split.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from trainer.histories import Histories, ends, hash_order
from trainer.targets import ID, places_of
from transforms import features
from transforms.hashing import id_hashes

USERS_A_BLOCK = 4096
"""Users that are decoded at a time: enough that decoding in bulk is faster."""

INTERACTIONS_A_LOOK_UP = 1 << 22
"""Interactions that are looked up in the catalogue at a time; their ids take some 100 MiB. With fewer, building the
lookup table of a catalogue of a million items would take longer than the lookups."""

HASH = "hash"
"""The column of user hashes."""

_LISTS = (
    features.ITEM_ID,
    features.VALUE,
    features.TIMESTAMP,
    features.TARGET_ITEM_ID,
    features.TARGET_TIMESTAMP,
)
_FEATURES = (features.USER_ID, *_LISTS)
_NUMBERS = {
    features.VALUE: schema_pb2.FLOAT,
    features.TIMESTAMP: schema_pb2.INT,
    features.TARGET_TIMESTAMP: schema_pb2.INT,
}

_BLOCK = pa.schema(
    {
        features.USER_ID: ID,
        HASH: pa.int64(),
        features.ITEM_ID: pa.large_list(ID),
        features.VALUE: pa.large_list(pa.float32()),
        features.TIMESTAMP: pa.large_list(pa.int64()),
        features.TARGET_ITEM_ID: pa.large_list(ID),
        features.TARGET_TIMESTAMP: pa.large_list(pa.int64()),
    }
)


@dataclass(frozen=True)
class Queries:
    """The evaluated users, in the form in which models are asked.

    Attributes:
        user_id: object `[users]`, bytes, in the order of their hashes.
        histories: Their histories and held-out items, by their hashes; items are places in `item_id`.
        item_id: pyarrow array `[different items]`.
        before_cut: The number of users with a target, before the cut to `max_users`.
    """

    user_id: npt.NDArray[np.object_]
    histories: Histories
    item_id: Any
    before_cut: int

    def by_place(self, catalogue: Any) -> Histories:
        """Returns the histories by places in a catalogue, a pyarrow array `[items]` of ids; -1 for other items."""
        return self.histories.with_items(places_of(self.item_id, catalogue))


def read_queries(files: Iterable[str], max_users: int, weighted: bool, newer_than: int | None = None) -> Queries:
    """Reads the evaluated users of the eval split: of those with a target, the first by hash.

    Args:
        files: Gzipped TFRecords.
        max_users: The most users to return.
        weighted: Whether the values are the weights of histories.
        newer_than: Unix seconds: only later targets count, so none without a time does. None: all targets count.
    """
    blocks = _blocks(files) if newer_than is None else (_newer(block, newer_than) for block in _blocks(files))
    chosen, before_cut = first_users(blocks, max_users)
    ids, offset = _lists(chosen, features.ITEM_ID)
    items = ids.dictionary_encode()
    targets, target_offset = _lists(chosen, features.TARGET_ITEM_ID)
    histories = Histories(
        user=_hashes(chosen),
        offset=offset,
        item=items.indices.to_numpy().astype(np.int32),
        weight=_weights(chosen, weighted),
        target_offset=target_offset,
        target=targets.to_numpy(zero_copy_only=False),
    )
    return Queries(chosen.column(features.USER_ID).to_numpy(), histories, items.dictionary, before_cut)


def read_train(files: Iterable[str], catalogue: Any, weighted: bool) -> Histories:
    """Reads the train split.

    Args:
        files: Gzipped TFRecords.
        catalogue: pyarrow array `[items]`, the ids in the order of their places.
        weighted: Whether the values are the weights of histories.

    Returns:
        The histories by hash, in the order of the hashes, with their times, without targets; items are places in the
        catalogue.
    """
    hashes, length = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    item, weight, timestamp = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    for block in _merged(_blocks(files), INTERACTIONS_A_LOOK_UP):
        ids, offset = _lists(block, features.ITEM_ID)
        hashes.append(_hashes(block))
        length.append(np.diff(offset))
        item.append(places_of(ids, catalogue).astype(np.int32))
        weight.append(_weights(block, weighted))
        timestamp.append(_lists(block, features.TIMESTAMP)[0].to_numpy())
    times = np.concatenate(timestamp)
    user = np.concatenate(hashes)
    no_targets = np.zeros(len(user) + 1, np.int64)
    split = Histories(
        user,
        ends(np.concatenate(length)),
        np.concatenate(item),
        np.concatenate(weight),
        no_targets,
        np.zeros(0, object),
        times if len(times) == sum(map(len, item)) else None,
    )
    return split.take(hash_order(user))


def count_newer(files: Iterable[str], feature: str, than: int) -> int:
    """Counts the interactions of all users of a split that are newer.

    Args:
        files: Gzipped TFRecords.
        feature: `features.TIMESTAMP` for histories, or `features.TARGET_TIMESTAMP` for targets.
        than: Unix seconds.
    """
    return sum(int(np.count_nonzero(_lists(block, feature)[0].to_numpy() > than)) for block in _blocks(files))


def first_users(blocks: Iterable[Any], most: int) -> tuple[Any, int]:
    """Chooses the first users by hash among those who have a target.

    Args:
        blocks: Blocks of users; at most twice `most` users are held at a time.
        most: The most users to choose.

    Returns:
        A block of the chosen users in the order of their hashes, and the number of all users with a target.
    """
    held, users = [_BLOCK.empty_table()], 0
    for block in blocks:
        held.append(block.filter(pc.greater(pc.list_value_length(block.column(features.TARGET_ITEM_ID)), 0)))
        users += held[-1].num_rows
        if sum(one.num_rows for one in held) > 2 * most:
            held = [_first(held, most)]
    return _first(held, most), users


def _newer(block: Any, than: int) -> Any:
    """Returns the block with only the targets that are newer."""
    ids, offset = _lists(block, features.TARGET_ITEM_ID)
    times, times_offset = _lists(block, features.TARGET_TIMESTAMP)
    length, times_length = np.diff(offset), np.diff(times_offset)
    is_timed = length == times_length
    is_newer = np.zeros(len(ids), np.bool_)
    is_newer[np.repeat(is_timed, length)] = times.to_numpy()[np.repeat(is_timed, times_length)] > than
    kept = pa.LargeListArray.from_arrays(pa.array(ends(is_newer)[offset]), ids.filter(pa.array(is_newer)))
    return block.set_column(
        block.column_names.index(features.TARGET_ITEM_ID), _BLOCK.field(features.TARGET_ITEM_ID), kept
    )


def _first(blocks: list[Any], most: int) -> Any:
    users = pa.concat_tables(blocks)
    return users.take(pa.array(hash_order(_hashes(users))[:most]))


def _blocks(files: Iterable[str]) -> Iterator[Any]:
    schema = schema_pb2.Schema()
    for name in _FEATURES:
        schema.feature.add(name=name, type=_NUMBERS.get(name, schema_pb2.BYTES))
    decoder = ExamplesToRecordBatchDecoder(schema.SerializeToString())
    for file in files:
        records = tf.data.TFRecordDataset(file, compression_type="GZIP").batch(USERS_A_BLOCK)
        for batch in records.as_numpy_iterator():
            decoded = decoder.DecodeBatch(batch.tolist())
            column = {name: _filled(decoded.column(decoded.schema.get_field_index(name))) for name in _FEATURES}
            user_id = column[features.USER_ID].flatten()
            hashes = pa.array(id_hashes(user_id.to_numpy(zero_copy_only=False)))
            yield pa.table([user_id, hashes, *(column[name] for name in _LISTS)], _BLOCK)


def _filled(column: Any) -> Any:
    """Returns a column with a list in each row; a feature that an Example lacks becomes an empty list."""
    if not column.null_count:
        return column
    length = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return pa.LargeListArray.from_arrays(pa.array(ends(length)), column.flatten())


def _merged(blocks: Iterable[Any], interactions: int) -> Iterator[Any]:
    """Joins blocks until they hold at least so many interactions."""
    held: list[Any] = []
    for block in blocks:
        held.append(block)
        if sum(pc.sum(pc.list_value_length(one.column(features.ITEM_ID))).as_py() for one in held) >= interactions:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _hashes(block: Any) -> npt.NDArray[np.int64]:
    return block.column(HASH).to_numpy()


def _weights(block: Any, weighted: bool) -> npt.NDArray[np.float32]:
    """Returns the weight of each interaction: its value, or 1."""
    if weighted:
        return _lists(block, features.VALUE)[0].to_numpy()
    return np.ones(len(_lists(block, features.ITEM_ID)[0]), np.float32)


def _lists(block: Any, name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    """Returns the values of all lists of a column, and `[users + 1]`: where each list begins in them."""
    column = block.column(name)
    column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column.flatten(), ends(pc.list_value_length(column).to_numpy(zero_copy_only=False))
