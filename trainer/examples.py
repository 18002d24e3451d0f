"""Reads transformed Examples whole into memory. For data that fits; nothing here streams."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from common.errors import TrainingError

_EXAMPLES_A_READ = 1024
"""Examples parsed at a time; beyond a thousand the parser gets no faster."""


def read_examples(patterns: Iterable[str], spec: dict[str, Any]) -> dict[str, Any] | None:
    """Reads every Example of some files.

    Args:
        patterns: Globs of gzipped TFRecord files.
        spec: The `features` of `tf.io.parse_example`: fixed and ragged features by name.

    Returns:
        Feature name to its tensor over all Examples, in the order of the files' names; None if there are no Examples.

    Raises:
        TrainingError: No file matches.
    """
    patterns = list(patterns)
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    if not files:
        raise TrainingError(f"No file matches {patterns}: the previous step wrote no Examples. Run it again.")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    parsed = list(records.batch(_EXAMPLES_A_READ).map(lambda batch: tf.io.parse_example(batch, spec)))
    if not parsed:
        return None
    return {name: tf.concat([batch[name] for batch in parsed], axis=0) for name in spec}


def ragged(dtype: Any) -> Any:
    """The spec of a feature with any number of values."""
    return tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)
