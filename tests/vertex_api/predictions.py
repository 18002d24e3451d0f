"""Simulates `rawPredict` of an Endpoint whose container is TensorFlow Serving.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/rawPredict
"""

import json
from typing import Any, Protocol

from tests.vertex_api.resources import PARENT
from tests.vertex_api.rest import ApiError, Reply, Route

ENDPOINT = "1234567890"
_MOST_BYTES = 1_500_000
"""Of a request: https://cloud.google.com/vertex-ai/docs/quotas."""


class RestModel(Protocol):
    """A model behind TensorFlow Serving's REST interface, as `tests.serving_signatures.tf_serving.Predictor`."""

    def predict_json(self, body: str) -> str:
        """Answers `POST /v1/models/MODEL:predict`; raises BadRequestError."""


class Predictions:
    """One Endpoint. `deployed_model` is the id of the model that answers."""

    def __init__(self, model: RestModel, refused: type[Exception]) -> None:
        self._model, self._refused = model, refused
        self.deployed_model = "1000"

    def routes(self) -> list[Route]:
        path = "/v1/{endpoint=projects/*/locations/*/endpoints/*}:rawPredict"
        return [Route("RawPredict", "POST", path, None, self._raw_predict, "http_body")]

    def _raw_predict(self, asked: dict[str, Any]) -> Reply:
        if asked["endpoint"] != f"{PARENT}/endpoints/{ENDPOINT}":
            raise ApiError(404, f"Endpoint `{asked['endpoint']}` not found.")
        body = json.dumps(asked["http_body"])
        if len(body) > _MOST_BYTES:
            raise ApiError(413, f"Request payload size exceeds the limit: {_MOST_BYTES} bytes.")
        try:
            answer = self._model.predict_json(body)
        except self._refused as e:
            raise ApiError(400, str(e)) from e
        headers = {"X-Vertex-AI-Endpoint-Id": ENDPOINT, "X-Vertex-AI-Deployed-Model-Id": self.deployed_model}
        return Reply(answer.encode(), headers)
