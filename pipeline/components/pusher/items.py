"""Reads the items of a catalogue from CatalogueGen's Examples, with their titles, features, counts and times.

The catalogue is never held as a whole; only the ids, counts and times of the log's items are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from documents import service_data
from documents.service_data import Kind, feature_column
from transforms import features

EXAMPLES_A_READ = 1024
"""Examples that are decoded at a time; more are hardly faster, and long texts would fill the memory."""

ITEMS_A_TABLE, BYTES_A_TABLE = 1 << 16, 64 << 20
"""A table is full at so many items or bytes. For each table, a lookup table of all counts is built, which takes 0.1 s
for a million items; so tables must not be small."""


@dataclass(frozen=True)
class Met:
    """What the log says about items; both are pyarrow.Tables, one row for each item."""

    counts: Any
    """`item_id` (string) and `count` (int64), its training interactions."""

    times: Any | None
    """`item_id` (string), `first_time` and `last_time` (int64, Unix seconds); None if the log has no times."""


def item_schema(kinds: Mapping[str, Kind]) -> Any:
    """Returns the Arrow schema of `documents.service_data.ITEMS_FILE`.

    Args:
        kinds: Content feature to its kind.
    """
    return pa.schema(
        {
            service_data.ITEM_ID: pa.string(),
            service_data.TITLE: pa.string(),
            service_data.COUNT: pa.int64(),
            service_data.FIRST_TIME: pa.int64(),
            service_data.LAST_TIME: pa.int64(),
            **{feature_column(name): pa.list_(_value_type(kind)) for name, kind in kinds.items()},
        }
    )


def read_items(files: Iterable[str], kinds: Mapping[str, Kind], met: Met) -> Iterator[Any]:
    """Reads the items in their order.

    Args:
        files: Gzipped TFRecords of catalogue Examples, local or remote.
        kinds: Content feature to its kind.
        met: What the log says about items.

    Yields:
        Tables of `item_schema`.
    """
    for table in _merged(_decoded(files, kinds)):
        ids = table.column(service_data.ITEM_ID)
        count = _looked_up(ids, met.counts, service_data.COUNT)
        columns = {name: table.column(name) for name in table.column_names}
        columns[service_data.COUNT] = pc.fill_null(count, 0)
        for name in (service_data.FIRST_TIME, service_data.LAST_TIME):
            unknown = pa.nulls(table.num_rows, pa.int64())
            columns[name] = unknown if met.times is None else _looked_up(ids, met.times, name)
        schema = item_schema(kinds)
        yield pa.table([columns[name] for name in schema.names], schema)


def _decoded(files: Iterable[str], kinds: Mapping[str, Kind]) -> Iterator[Any]:
    """Yields small tables of `item_id`, `title` and the features' columns."""
    schema = schema_pb2.Schema()
    for name in (features.ITEM_ID, features.TITLE, *kinds):
        schema.feature.add(name=name, type=schema_pb2.FLOAT if kinds.get(name) == "number" else schema_pb2.BYTES)
    decoder = ExamplesToRecordBatchDecoder(schema.SerializeToString())
    for file in files:
        records = tf.data.TFRecordDataset(file, compression_type="GZIP").batch(EXAMPLES_A_READ)
        for batch in records.as_numpy_iterator():
            decoded = decoder.DecodeBatch(batch.tolist())
            columns = {
                service_data.ITEM_ID: _column(decoded, features.ITEM_ID).flatten().cast(pa.string()),
                service_data.TITLE: _column(decoded, features.TITLE).flatten().cast(pa.string()),
                **{
                    feature_column(name): _lists(_column(decoded, name), _value_type(kind))
                    for name, kind in kinds.items()
                },
            }
            yield pa.table(columns)


def _merged(tables: Iterable[Any]) -> Iterator[Any]:
    """Joins tables until they are full."""
    held: list[Any] = []
    items = size = 0
    for table in tables:
        held.append(table)
        items, size = items + table.num_rows, size + table.nbytes
        if items >= ITEMS_A_TABLE or size >= BYTES_A_TABLE:
            yield pa.concat_tables(held).combine_chunks()
            held, items, size = [], 0, 0
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _column(decoded: Any, name: str) -> Any:
    return decoded.column(decoded.schema.get_field_index(name))


def _lists(column: Any, kind: Any) -> Any:
    """Returns a decoded column as lists of another type; a feature that an Example lacks becomes an empty list."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), column.flatten().cast(kind))


def _value_type(kind: Kind) -> Any:
    return pa.float32() if kind == "number" else pa.string()


def _looked_up(ids: Any, table: Any, name: str) -> Any:
    """Returns a column of another table for each id; null where that table lacks the id."""
    place = pc.index_in(ids, value_set=table.column(service_data.ITEM_ID).combine_chunks())
    return table.column(name).combine_chunks().take(place.combine_chunks())
