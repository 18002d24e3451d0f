"""Tells a fault of the model from one of storage or memory.

What is wrong with the model itself, and will be tomorrow, is a ModelError: the gate refuses the model. Whatever else
happens on the way to it, as when storage does not answer or memory is short, is a ModelUnavailableError: it says
nothing of the model, and the run fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from common.errors import ModelError, ModelUnavailableError


@contextmanager
def reading(folder: str, what: str) -> Iterator[None]:
    """Sorts what TensorFlow raises on the way to a model.

    Args:
        folder: The SavedModel.
        what: What is done with it, as in "cannot be ...".

    Raises:
        ModelError: A file of it is not there.
        ModelUnavailableError: Anything else that TensorFlow and storage raise.
    """
    try:
        yield
    except (tf.errors.NotFoundError, FileNotFoundError) as e:
        raise ModelError(f"the SavedModel at {folder} lacks a file: {summary(e)}") from e
    except (
        tf.errors.OpError, OSError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, AttributeError
    ) as e:  # fmt: skip
        raise ModelUnavailableError(
            f"the model at {folder} cannot be {what}: {summary(e)}. The model may be sound, so nothing is decided and "
            "serving stays as it was. Look at storage and memory and run again. If its files are damaged for good, "
            "bring them back, or delete that folder: a model that is gone is no longer compared with."
        ) from e


def summary(error: Exception) -> str:
    """The error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
