"""Defines what a backend is: whatever answers the signatures of one version of a model."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy.typing as npt

from common.errors import PerennialError

Tensor = npt.NDArray[Any]
"""An array of float32, int32, int64 or bool; strings are an object array of UTF-8 bytes."""


class BackendError(PerennialError):
    """The model did not answer. The message names neither ids nor inputs.

    Args:
        message: What happened.
        detail: The server's own words. They may hold parts of the inputs, so they belong in no log; nor does anything
            that prints an exception print them.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class BackendUnavailableError(BackendError):
    """The model cannot be reached, has ended, or did not answer within the deadline; later it may."""


class BackendRefusedError(BackendError):
    """The model refused the request itself, such as an unknown signature or a wrong shape."""


class NoFormError(BackendRefusedError):
    """The request cannot be written in the backend's protocol; another backend could answer it."""


class Backend(Protocol):
    """One version of a model. Safe to use from many tasks of one event loop."""

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        """Asks one signature.

        Args:
            signature: Its name.
            inputs: Name to array, with one row for each query.
            timeout_seconds: Time for everything, retries included.

        Returns:
            Name to array.

        Raises:
            BackendUnavailableError: There is no answer within the time. What UNAVAILABLE refuses is tried again within
                the time, nothing else.
            BackendRefusedError: The model refused the request.
        """
        ...

    async def close(self) -> None:
        """Ends the connection, and the process if it is the backend's own."""
        ...
