"""Shows a served model's signatures and answers as tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from transforms import features

_SHOWN_NUMBERS = 4
"""How many numbers of a vector a table shows."""


def signature_rows(signatures: Mapping[str, Any]) -> list[dict[str, str]]:
    """Makes a row for each signature with its inputs and outputs.

    Args:
        signatures: The signatures of a loaded SavedModel.
    """

    def described(specs: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {spec.dtype.name}{spec.shape}" for name, spec in sorted(specs.items()))

    return [
        {
            "signature": name,
            "in": described(function.structured_input_signature[1]),
            "out": described(function.structured_outputs),
        }
        for name, function in sorted(signatures.items())
    ]


def answer_rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Makes rows of an answer's tensors: one for each item in the list of a single query, else one for each query.

    Args:
        answer: Tensors by output name; vectors are shortened.
    """
    values = {name: tensor.numpy() for name, tensor in answer.items()}
    lists = {name: array[0] for name, array in values.items() if array.ndim == 2 and name != "embedding"}
    columns = lists or values
    length = len(next(iter(columns.values())))
    return [{name: _shown(array[row]) for name, array in columns.items()} for row in range(length)]


def score_rows(item_id: Any, score: Any) -> list[dict[str, Any]]:
    """Makes a row for each of the first items of the catalogue, with its score for the first query.

    Args:
        item_id: string `[m]`, the ids of the first items.
        score: float32 `[n, items]`, an answer of the signature `scores`.
    """
    pairs = zip(item_id.numpy(), score.numpy()[0], strict=False)
    return [{"item_id": _shown(item), "score": _shown(value)} for item, value in pairs]


def example(history: Iterable[bytes]) -> bytes:
    """Makes a serialized tf.Example of a new user with a history.

    Args:
        history: Item ids, the oldest first.
    """
    items = tf.train.Feature(bytes_list=tf.train.BytesList(value=list(history)))
    message = tf.train.Example(features=tf.train.Features(feature={features.ITEM_ID: items}))
    serialized: bytes = message.SerializeToString()
    return serialized


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        return ", ".join(f"{number:.3f}" for number in value[:_SHOWN_NUMBERS]) + ", …"
    return value.item()
