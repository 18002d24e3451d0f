"""A served model's questions and answers as tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from transforms import features

_SHOWN_NUMBERS = 4
"""First numbers of a vector that a table shows."""


def signature_rows(signatures: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each signature: what goes in and what comes out.

    Args:
        signatures: Of a loaded SavedModel.
    """

    def told(specs: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {spec.dtype.name}{spec.shape}" for name, spec in sorted(specs.items()))

    return [
        {
            "signature": name,
            "in": told(function.structured_input_signature[1]),
            "out": told(function.structured_outputs),
        }
        for name, function in sorted(signatures.items())
    ]


def answer_rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An answer's tensors as rows: one for each item of a single query's list, else one for each query.

    Args:
        answer: Output name to tensor; vectors are cut short, and what stands for all rows is left out.
    """
    values = {name: tensor.numpy() for name, tensor in answer.items()}
    lists = {name: array[0] for name, array in values.items() if array.ndim == 2 and name != "embedding"}
    columns = lists or {name: array for name, array in values.items() if array.ndim}
    length = len(next(iter(columns.values())))
    return [{name: _shown(array[row]) for name, array in columns.items()} for row in range(length)]


def example(history: Iterable[bytes]) -> bytes:
    """A serialized tf.Example of somebody new with a history.

    Args:
        history: Item ids, the oldest first.
    """
    items = tf.train.Feature(bytes_list=tf.train.BytesList(value=list(history)))
    made = tf.train.Example(features=tf.train.Features(feature={features.ITEM_ID: items}))
    written: bytes = made.SerializeToString()
    return written


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        return ", ".join(f"{number:.3f}" for number in value[:_SHOWN_NUMBERS]) + ", …"
    return value.item()
