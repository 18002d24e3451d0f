"""Encodes Arrow lists as serialized Examples, and writes these to a file that TFX reads."""

from typing import Any

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from pipeline.ground.output import new_file


def encode(columns: dict[str, Any]) -> list[bytes]:
    """Encodes Examples in bulk.

    Args:
        columns: Feature to a pyarrow array of lists of binary, float or int64, one list for each Example.

    Returns:
        Serialized tf.Examples; the same values always give the same bytes.
    """
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    return [sort_features(example) for example in RecordBatchToExamplesEncoder().encode(batch)]


def sort_features(example: bytes) -> bytes:
    """Puts the features of a serialized Example into a fixed order.

    The encoder writes a protocol buffer map, whose order changes from run to run. An Example is one field, the Features
    (tag, length), which hold one field for each feature (tag, length, name and values). Sorting these fields is enough,
    and takes a tenth of the time of parsing them.

    Args:
        example: A serialized tf.Example.

    Returns:
        The same Example.
    """
    place = 1
    while example[place] & 0x80:
        place += 1
    place += 1
    head, entries = example[:place], []
    while place < len(example):
        start, place = place, place + 1
        size = shift = 0
        while True:
            byte = example[place]
            place += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        place += size
        entries.append(example[start:place])
    return head + b"".join(sorted(entries))


def write_records(path: str, examples: list[bytes], uri: str) -> None:
    """Writes gzipped TFRecords; the file appears whole or not at all.

    Args:
        path: Where the file belongs.
        examples: Serialized tf.Examples.
        uri: The artifact's folder.

    Raises:
        OutputError: The file cannot be written.
    """
    # Level 1 takes a third of the default level's time for a tenth more bytes, measured on a million interactions.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    with new_file(path, uri) as unfinished, tf.io.TFRecordWriter(unfinished, options) as writer:
        for example in examples:
            writer.write(example)
