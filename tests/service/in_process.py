"""A backend that asks a SavedModel in the test's own process, as the model process does in its own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import tensorflow as tf

from service.backends.backend import BackendRefusedError, Tensor


class InProcess:
    """The signatures of a SavedModel, or those of them that are named."""

    def __init__(self, folder: str | Path, signatures: set[str] | None = None) -> None:
        self._model: Any = tf.saved_model.load(str(folder))
        self._signatures = set(self._model.signatures) if signatures is None else signatures
        self.asked: list[str] = []

    def ask(self, signature: str, **inputs: Any) -> dict[str, Tensor]:
        """The answer, without asyncio."""
        self.asked.append(signature)
        if signature not in self._signatures:
            raise BackendRefusedError(f"the model has no signature {signature}")
        concrete = self._model.signatures[signature]
        specs = concrete.structured_input_signature[1]
        try:
            found = concrete(**{name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()})
        except tf.errors.InvalidArgumentError as e:
            raise BackendRefusedError(e.message) from e
        return {name: value.numpy() for name, value in found.items()}

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        assert timeout_seconds > 0
        await asyncio.sleep(0)
        return self.ask(signature, **inputs)

    async def close(self) -> None:
        """Nothing to end."""
