"""Asks a version the requests that its trainer stored, and compares the answers. It also warms every signature up."""

from pathlib import Path
from typing import Any

import numpy as np

from common.answers import array, compare
from common.errors import ModelError
from documents.serving_requests import ServingRequests
from service.backends.backend import Backend, BackendRefusedError, NoFormError, Tensor

TOLERANCE = 1e-4
"""How far a number may be from the trainer's, relative to the largest of its row: the default of
`serving_check.tolerance`. Float32 sums in another order differ by some 1e-6."""

_SHOWN = 3
"""Failures that a message names."""


async def replay(folder: Path, backend: Backend, *, timeout_seconds: float) -> int:
    """Replays the stored requests.

    Args:
        folder: The version's folder.
        backend: What serves the version.
        timeout_seconds: Time for each request; the first call of a signature is the slowest.

    Returns:
        The number of requests.

    Raises:
        ModelError: An answer differs, or there are no stored requests.
        BackendError: The model does not answer.
        OutputError: The stored requests cannot be read.
    """
    stored = ServingRequests.find(folder, ModelError)
    if stored is None or not stored.requests:
        raise ModelError(
            f"{folder}: has no {ServingRequests.FILE}, so nothing shows that it answers as it was trained."
        )
    failures: list[str] = []
    for request in stored.requests:
        inputs = {name: _array(form.model_dump()) for name, form in request.inputs.items()}
        try:
            answer = await backend.predict(request.signature, inputs, timeout_seconds=timeout_seconds)
        except NoFormError:
            continue  # an edge that this backend's users cannot reach
        except BackendRefusedError as e:
            failures.append(f"{request.signature}, {request.name}: {e}")
            continue
        asked = inputs["k"].tolist() if "k" in inputs else None
        outputs = {name: {**form.model_dump(), "shape": list(form.shape)} for name, form in request.outputs.items()}
        missing = sorted(outputs.keys() - answer.keys())
        found = [f"has no output {', '.join(missing)}"] if missing else compare(answer, outputs, TOLERANCE, asked)[0]
        failures += [f"{request.signature}, {request.name}: {failure}" for failure in found]
    if failures:
        more = f" and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
        raise ModelError(f"it does not answer as it was trained: {'; '.join(failures[:_SHOWN])}{more}")
    return len(stored.requests)


def _array(form: dict[str, Any]) -> Tensor:
    shape = list(form["shape"])
    found: Tensor = array({**form, "shape": shape})
    return np.ascontiguousarray(found.reshape(shape))  # an input is stored whole
