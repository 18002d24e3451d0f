"""Reads the JSON that lies in a serving folder, where others than us may have written."""

from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, ValidationError

from common.errors import OutputError

_ECHO = 80
"""Characters of a value that a message repeats."""


class JsonFile(BaseModel):
    """Base of what is read of a file: of these types and no others; what else is in the file is left as it is."""

    # Pydantic keeps names that begin with `model_` to itself, and warns of `model_digest`.
    model_config = ConfigDict(frozen=True, strict=True, extra="allow", protected_namespaces=())


def read_json(path: str, form: type[JsonFile], to_do: str) -> dict[str, Any]:
    """Reads a file that holds a JSON object.

    Args:
        path: The file, local or remote.
        form: What it must hold.
        to_do: What a person is to do if it does not.

    Returns:
        What it holds; empty if it is missing.

    Raises:
        OutputError: The file is damaged.
        tf.errors.OpError: It cannot be read.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return form.model_validate_json(file.read()).model_dump(exclude_unset=True)
    except tf.errors.NotFoundError:
        return {}
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        came = repr(fault["input"])
        came = came if len(came) <= _ECHO else f"{came[:_ECHO]}…"
        raise OutputError(
            f"{path} is damaged: {where and f'{where}: '}{fault['msg']}. Received: {came}. {to_do}"
        ) from e
