"""Interaction Examples as blocks of users: what Beam's elements are here, and how they travel.

A block is an Arrow table, a row a user: `user_id`, `hash` int64, and lists `item_id`, `value` float and
`target_item_id`; ids are of type `ID`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from transforms import features
from transforms.hashing import id_hashes

USERS_A_BLOCK = 4096
"""Users in a block: enough that decoding in bulk pays and that lists of like length can be put together, few enough so
that several workers share a small split."""

ID = pa.large_binary()
"""The type of ids, that of the decoder."""

HASH = "hash"
"""The column of user hashes, by which users are ordered and told apart where their ids are not wanted."""

_STRINGS = (features.USER_ID, features.ITEM_ID, features.TARGET_ITEM_ID)


def read_blocks(file: str) -> Iterator[Any]:
    """Reads a file of interaction Examples.

    Args:
        file: Gzipped TFRecords.

    Yields:
        Blocks, as pyarrow.Table.
    """
    schema = schema_pb2.Schema()
    for name in _STRINGS:
        schema.feature.add(name=name, type=schema_pb2.BYTES)
    schema.feature.add(name=features.VALUE, type=schema_pb2.FLOAT)
    decoder = ExamplesToRecordBatchDecoder(schema.SerializeToString())
    for records in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(USERS_A_BLOCK).as_numpy_iterator():
        decoded = decoder.DecodeBatch(records.tolist())
        columns = {name: _filled(decoded.column(decoded.schema.get_field_index(name))) for name in _STRINGS}
        value = _filled(decoded.column(decoded.schema.get_field_index(features.VALUE)))
        user_id = columns.pop(features.USER_ID).flatten()
        yield pa.table(
            {
                features.USER_ID: user_id,
                HASH: pa.array(id_hashes(user_id.to_numpy(zero_copy_only=False))),
                features.VALUE: value,
                **columns,
            }
        )


def with_targets(block: Any) -> Any:
    """The users of a block who have a target: the others are not evaluated."""
    return block.filter(pc.greater(pc.list_value_length(block.column(features.TARGET_ITEM_ID)), 0))


def without_ids(block: Any) -> Any:
    """A block without user ids, and with each item id once: lists of a dictionary's entries."""
    columns = {HASH: block.column(HASH), features.VALUE: block.column(features.VALUE)}
    for name in (features.ITEM_ID, features.TARGET_ITEM_ID):
        values, offset = lists(block, name)
        columns[name] = pa.LargeListArray.from_arrays(pa.array(offset), values.dictionary_encode())
    return pa.table(columns)


def hashes(block: Any) -> npt.NDArray[np.int64]:
    """The users' hashes, `[users]`."""
    return block.column(HASH).to_numpy()


def lists(block: Any, name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    """A column of lists.

    Args:
        block: A block.
        name: The column.

    Returns:
        The values of all lists, a pyarrow array, and `[users + 1]` where each list begins in them.
    """
    column = block.column(name)
    column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    length = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return column.flatten(), np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


def _filled(column: Any) -> Any:
    """A list for each row; a feature that an Example lacks is an empty list."""
    if not column.null_count:
        return column
    length = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offset = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offset), column.flatten())
