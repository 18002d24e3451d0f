"""Asks a model at a Vertex Endpoint, by REST.

The Endpoint's `rawPredict` hands a body to the container as it is, and Google's prebuilt containers run TensorFlow
Serving, whose REST interface names the signature in the body (`predict` has no place for it):
https://www.tensorflow.org/tfx/serving/api_rest. The column format is used, as the row format has no word for an answer
without rows. In JSON, an input of lists without a row has lost its second dimension, so a call needs at least one row.
Vertex takes 1.5 MB in one request.

An Endpoint has no way to name a version. Its answers say which deployed model they are from; an answer from another one
than the first answer's is an error, so that no two versions are mixed. All of the Endpoint's traffic must go to one
version.
"""

import asyncio
import base64
import functools
import json
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np

from configs.service.backend import VertexEndpoint
from documents.serving_requests import SignatureKinds
from service.backends.backend import BackendError, BackendRefusedError, BackendUnavailableError, NoFormError, Tensor
from service.backends.google_token import GoogleToken
from service.backends.retries import NobodyAnswersError, with_retries

_REFUSED = {400, 412, 413}
"""HTTP's INVALID_ARGUMENT and FAILED_PRECONDITION, and a body that is too large."""

_DEPLOYED_MODEL = "x-vertex-ai-deployed-model-id"


class VertexBackend:
    """The model behind a Vertex Endpoint.

    Args:
        endpoint: The Endpoint.
        signatures: Signature name to its inputs and outputs, as `documents.serving_requests` of the version has them:
            JSON does not tell int32 from float32.
    """

    def __init__(self, endpoint: VertexEndpoint, signatures: Mapping[str, SignatureKinds]) -> None:
        self._signatures = signatures
        base = endpoint.api_endpoint or f"https://{endpoint.region}-aiplatform.googleapis.com"
        name = f"projects/{endpoint.project}/locations/{endpoint.region}/endpoints/{endpoint.endpoint}"
        self._described = f"the Endpoint {endpoint.endpoint} in {endpoint.region}"
        self._url = f"{base.rstrip('/')}/v1/{name}:rawPredict"
        self._client = httpx.AsyncClient(timeout=None)  # each call has its own time
        self._token = GoogleToken()
        self._deployed_model: str | None = None

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        """Asks one signature: see `Backend.predict`.

        Raises:
            NoFormError: There is no row, or a number is not finite.
        """
        kinds = self._signatures.get(signature)
        if kinds is None:
            raise BackendRefusedError(f"the model has no signature {signature}")
        if not all(map(len, inputs.values())):
            raise NoFormError(f"{signature}: a call without a row has no form in JSON")
        body = {"signature_name": signature, "inputs": {name: _values(array) for name, array in inputs.items()}}
        try:
            content = json.dumps(body, allow_nan=False).encode()
        except ValueError as e:
            raise NoFormError(f"{signature}: a number that is not finite has no form in JSON") from e
        answer = await with_retries(functools.partial(self._attempt, content), timeout_seconds)
        try:
            outputs = json.loads(answer)["outputs"]
            if len(kinds.outputs) == 1:  # then TensorFlow Serving leaves out its name
                outputs = dict.fromkeys(kinds.outputs, outputs)
            return {name: _array(outputs[name], dtype) for name, dtype in kinds.outputs.items()}
        except (KeyError, TypeError, ValueError):  # whose messages may hold values
            raise BackendUnavailableError(f"{self._described} answers {signature} with other values") from None

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.aclose()

    async def _attempt(self, content: bytes, timeout_seconds: float) -> bytes:
        try:
            return await asyncio.wait_for(self._post(content), timeout_seconds)
        except asyncio.TimeoutError:
            raise BackendUnavailableError(f"{self._described} did not answer within the time") from None
        except httpx.TransportError as e:
            raise NobodyAnswersError(f"{self._described} cannot be reached: {type(e).__name__}") from e

    async def _post(self, content: bytes) -> bytes:
        headers = {"Authorization": f"Bearer {await self._token.get()}", "Content-Type": "application/json"}
        response = await self._client.post(self._url, content=content, headers=headers)
        if response.status_code != 200:
            raise self._error(response)
        deployed = response.headers.get(_DEPLOYED_MODEL)
        if deployed is not None and deployed != (self._deployed_model or deployed):
            raise BackendUnavailableError(f"{self._described} answers with another version than before")
        self._deployed_model = deployed or self._deployed_model
        return response.content

    def _error(self, response: httpx.Response) -> BackendError:
        status = response.status_code
        message = f"{self._described} answers with status {status}"
        if status == 503:
            return NobodyAnswersError(message, response.text)
        kind = BackendRefusedError if status in _REFUSED else BackendUnavailableError
        return kind(message, response.text)


def _values(array: Tensor) -> Any:
    """An array as JSON values; bytes that are no UTF-8 are written in base64."""
    if not array.dtype.hasobject:
        return array.tolist()
    flat = np.empty(array.size, object)
    flat[:] = [_text(value) for value in array.ravel().tolist()]
    return flat.reshape(array.shape).tolist()


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _array(values: Any, dtype: str) -> Tensor:
    """JSON values as an array.

    Raises:
        ValueError: They are of another type, or rows differ in length.
    """
    if dtype != "string":
        array = np.array(values)
        if (array.size and (array.dtype.kind == "b") != (dtype == "bool")) or array.dtype.kind not in "bif":
            raise ValueError("other values")
        return array.astype(dtype)
    array = np.array(values, object)
    flat = np.empty(array.size, object)
    flat[:] = [_bytes(value) for value in array.ravel().tolist()]
    return flat.reshape(array.shape)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return base64.b64decode(value["b64"], validate=True)
