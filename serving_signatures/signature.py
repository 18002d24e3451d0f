"""Defines a signature: a name, its input tensors and its function. The export lists all signatures."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever


@dataclasses.dataclass(frozen=True)
class Signature:
    """One signature of a model.

    Attributes:
        name: The signature's name in the SavedModel.
        inputs: The specs of the inputs, by name.
        answer: Takes the model and the inputs as keywords, and returns the outputs by name.
    """

    name: str
    inputs: dict[str, tf.TensorSpec]
    answer: Callable[..., dict[str, Any]]

    def concrete_function(self, retriever: Retriever) -> Any:
        """Traces the signature for one model."""
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in self.inputs.items()]
        names = list(self.inputs)

        # Nothing in a signature branches on a tensor, and AutoGraph would spend 4 s on rewriting the transform layer.
        @tf.autograph.experimental.do_not_convert
        def answer(*tensors: Any) -> dict[str, Any]:
            return self.answer(retriever, **dict(zip(names, tensors, strict=True)))

        return tf.function(answer, input_signature=specs).get_concrete_function()
