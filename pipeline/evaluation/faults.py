"""Distinguishes a fault of the model from a fault of storage or memory.

A permanent fault of the model itself is a ModelError: the gate refuses the model. Any other error while the model is
read or asked, such as storage that does not answer or too little memory, is a ModelUnavailableError: it says nothing
about the model, and the run fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from common.errors import ModelError, ModelUnavailableError


@contextmanager
def reading(folder: str, what: str) -> Iterator[None]:
    """Converts the errors that TensorFlow raises while a model is read or asked.

    Args:
        folder: The SavedModel.
        what: What is done with the model, a participle that follows "cannot be".

    Raises:
        ModelError: A file of the model is missing.
        ModelUnavailableError: TensorFlow or storage raised any other error.
    """
    try:
        yield
    except (tf.errors.NotFoundError, FileNotFoundError) as e:
        raise ModelError(f"the SavedModel at {folder} lacks a file: {summary(e)}") from e
    except (
        tf.errors.OpError, OSError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, AttributeError
    ) as e:  # fmt: skip
        raise ModelUnavailableError(
            f"the model at {folder} cannot be {what}: {summary(e)}. The model may be sound, so nothing was decided "
            "and serving has not changed. Check storage and memory and run again. If its files are lost, restore "
            "them, or delete that folder: a run does not compare with a deleted model."
        ) from e


def summary(error: Exception) -> str:
    """Returns the error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
