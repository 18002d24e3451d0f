"""Defines a signature: a name, its input tensors and its function. The export lists all signatures."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from serving_signatures.retriever import Retriever, after


@dataclasses.dataclass(frozen=True)
class Signature:
    """One signature of a model. The first dimension of each input and output is the batch.

    TensorFlow Serving's row format, its batching and a Vertex Endpoint's `predict` take no other signatures.

    Attributes:
        name: The signature's name in the SavedModel.
        inputs: The specs of the inputs, by name.
        answer: Takes the model and the inputs as keywords, and returns the outputs by name.
    """

    name: str
    inputs: dict[str, tf.TensorSpec]
    answer: Callable[..., dict[str, Any]]

    def ask(self, retriever: Retriever, **inputs: Any) -> dict[str, Any]:
        """Answers for one model.

        Args:
            retriever: The model.
            **inputs: Tensors, by the names of `inputs`.

        Returns:
            The outputs by name.

        Raises:
            tf.errors.InvalidArgumentError: When the graph runs: the inputs have different numbers of rows, or a value
                is not allowed.
        """
        rows = {name: tf.shape(value)[0] for name, value in inputs.items()}
        found = [part for name, count in rows.items() for part in (f"{name}:", count)]
        first, *others = rows.values()
        is_equal = tf.reduce_all(tf.equal(first, tf.stack(others))) if others else tf.constant(True)
        wrong = f"{self.name}: all inputs must have the same number of rows, one for each query; received"
        with after(tf.debugging.Assert(is_equal, [wrong, *found])):
            return self.answer(retriever, **{name: tf.identity(value) for name, value in inputs.items()})

    def concrete_function(self, retriever: Retriever) -> Any:
        """Traces the signature for one model."""
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in self.inputs.items()]
        names = list(self.inputs)

        # Nothing in a signature branches on a tensor, and AutoGraph would spend 4 s on rewriting the transform layer.
        @tf.autograph.experimental.do_not_convert
        def answer(*tensors: Any) -> dict[str, Any]:
            return self.ask(retriever, **dict(zip(names, tensors, strict=True)))

        return tf.function(answer, input_signature=specs).get_concrete_function()
