"""The client of a Vertex Endpoint against the loopback, whose container has TensorFlow Serving's rules for JSON."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf

from common.answers import compare
from configs.service.backend import VertexEndpoint
from documents.serving_requests import ServingRequests, SignatureKinds
from service.backends.backend import BackendError, BackendRefusedError, BackendUnavailableError, NoFormError
from service.backends.vertex import VertexBackend
from tests.serving_signatures.tf_serving import BadRequestError, Predictor
from tests.vertex_api import Cut, Refuse, VertexApi
from tests.vertex_api.credentials import Tokens
from tests.vertex_api.predictions import ENDPOINT, Predictions
from tests.vertex_api.resources import PROJECT, REGION
from tests.vertex_api.server import running

pytestmark = pytest.mark.e2e

SECONDS = 60.0
ITEMS = {"item_id": np.array([b"i3", b"no such item"], object)}


class Cloud:
    """The loopback, and what the tests change of it."""

    def __init__(self, api: VertexApi, tokens: Tokens, predictions: Predictions) -> None:
        self.api, self.tokens, self.predictions = api, tokens, predictions


@pytest.fixture(scope="module")
def predictor(model_folder: str) -> Predictor:
    return Predictor(tf.saved_model.load(model_folder))


@pytest.fixture
def cloud(predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    tokens, predictions = Tokens(), Predictions(predictor, BadRequestError)
    with running(tokens, predictions) as api:
        tokens.guard(api)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tokens.key_file(tmp_path / "key.json", api.url)))
        yield Cloud(api, tokens, predictions)


@pytest.fixture(scope="module")
def kinds(model_folder: str) -> dict[str, SignatureKinds]:
    return ServingRequests.read(model_folder).signatures


@contextlib.asynccontextmanager
async def backend_of(url: str, kinds: Any, endpoint: str = ENDPOINT) -> AsyncIterator[VertexBackend]:
    place = VertexEndpoint(project=PROJECT, region=REGION, endpoint=endpoint, api_endpoint=url)
    backend = VertexBackend(place, kinds)
    try:
        yield backend
    finally:
        await backend.close()


def ask(cloud: Cloud, kinds: Any, signature: str, inputs: Any, *, endpoint: str = ENDPOINT, times: int = 1) -> Any:
    async def predict() -> Any:
        async with backend_of(cloud.api.url, kinds, endpoint) as backend:
            for _ in range(times):
                answer = await backend.predict(signature, inputs, timeout_seconds=SECONDS)
            return answer

    return asyncio.run(predict())


def test_predict_stored_requests_get_the_trainers_answers(cloud: Cloud, kinds: Any, stored_requests: list[Any]) -> None:
    async def replay() -> tuple[list[str], set[str]]:
        failures, asked = [], set()
        async with backend_of(cloud.api.url, kinds) as backend:
            for signature, inputs, outputs in stored_requests:
                if not all(map(len, inputs.values())):
                    with pytest.raises(NoFormError, match="without a row"):
                        await backend.predict(signature, inputs, timeout_seconds=SECONDS)
                    continue
                asked.add(signature)
                answer = await backend.predict(signature, inputs, timeout_seconds=SECONDS)
                for name, form in outputs.items():
                    assert answer[name].dtype == (object if form["dtype"] == "string" else form["dtype"])
                counts = inputs["k"].tolist() if "k" in inputs else None
                failures += compare(answer, outputs, 1e-4, counts)[0]
        return failures, asked

    failures, asked = asyncio.run(replay())
    assert failures == []
    assert asked == {*kinds}
    assert len(cloud.api.received("Token")) == 1


def test_predict_bytes_that_are_no_text_arrive(cloud: Cloud, kinds: Any) -> None:
    ask(cloud, kinds, "embed_items", {"item_id": np.array([b"\xff\x00", "é".encode()], object)})
    (request,) = cloud.api.received("RawPredict")
    assert request["http_body"] == {"signature_name": "embed_items", "inputs": {"item_id": [{"b64": "/wA="}, "é"]}}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_predict_numbers_that_are_no_json_are_refused(cloud: Cloud, kinds: Any, value: float) -> None:
    who = {"user_id": np.array([b"u"], object), "history": np.array([[b"i3"]], object)}
    with pytest.raises(NoFormError, match="not finite"):
        ask(cloud, kinds, "embed_users", {**who, "history_weight": np.array([[value]], np.float32)})
    assert cloud.api.received("RawPredict") == []


def test_predict_what_does_not_fit_is_refused_without_its_values(cloud: Cloud, kinds: Any) -> None:
    with pytest.raises(BackendRefusedError, match="status 400") as refused:
        ask(cloud, kinds, "embed_item_indices", {"index": np.array([b"u-secret"], object)})
    assert "secret" in refused.value.detail
    assert "secret" not in str(refused.value)
    with pytest.raises(BackendRefusedError, match="no signature recommendations"):
        ask(cloud, kinds, "recommendations", ITEMS)
    with pytest.raises(BackendRefusedError, match="status 413"):
        ask(cloud, kinds, "embed_items", {"item_id": np.array([b"i" * 100] * 20_000, object)})


@pytest.mark.parametrize("fault", [Refuse(503), Cut(), Cut(after_effect=False)])
def test_predict_tries_again_where_nobody_answered(cloud: Cloud, kinds: Any, fault: Any) -> None:
    cloud.api.fail("RawPredict", fault, fault)
    assert ask(cloud, kinds, "embed_items", ITEMS)["known"].tolist() == [True, False]
    assert len(cloud.api.received("RawPredict")) == 3


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 504])
def test_predict_other_errors_are_not_tried_again(cloud: Cloud, kinds: Any, code: int) -> None:
    cloud.api.fail("RawPredict", Refuse(code))
    with pytest.raises(BackendUnavailableError, match=f"status {code}"):
        ask(cloud, kinds, "embed_items", ITEMS)
    assert len(cloud.api.received("RawPredict")) == 1


def test_predict_of_a_server_that_stays_away_ends_after_few_tries(cloud: Cloud, kinds: Any) -> None:
    cloud.api.fail("RawPredict", Refuse(503), forever=True)
    with pytest.raises(BackendUnavailableError, match="status 503"):
        ask(cloud, kinds, "embed_items", ITEMS)
    assert len(cloud.api.received("RawPredict")) == 5


def test_predict_of_a_server_that_does_not_answer_ends_at_the_deadline(cloud: Cloud, kinds: Any) -> None:
    async def predict() -> None:
        async with backend_of(cloud.api.url, kinds) as backend:
            await backend.predict("embed_items", ITEMS, timeout_seconds=SECONDS)  # it has a token now
            with cloud.api._lock, pytest.raises(BackendUnavailableError, match="within the time"):
                await backend.predict("embed_items", ITEMS, timeout_seconds=0.2)

    asyncio.run(predict())


def test_predict_answer_of_another_deployed_model_is_an_error(cloud: Cloud, kinds: Any) -> None:
    async def predict() -> None:
        async with backend_of(cloud.api.url, kinds) as backend:
            await backend.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
            cloud.predictions.deployed_model = "1001"
            await backend.predict("embed_items", ITEMS, timeout_seconds=SECONDS)

    with pytest.raises(BackendUnavailableError, match="another version than before"):
        asyncio.run(predict())


@pytest.mark.parametrize(
    "body", ["[]", '{"outputs": []}', '{"outputs": {"embedding": [[1], [1, 2]], "known": [true, 7]}}', "<html>"]
)
def test_predict_of_an_answer_with_other_values_is_unavailable(
    cloud: Cloud, kinds: Any, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud.predictions, "_model", _Says(body))
    with pytest.raises(BackendUnavailableError, match="with other values"):
        ask(cloud, kinds, "embed_items", ITEMS)


class _Says:
    """A container that is no TensorFlow Serving."""

    def __init__(self, body: str) -> None:
        self._body = body

    def predict_json(self, body: str) -> str:
        return self._body


def test_token_that_google_refuses_or_nobody_has_is_unavailable(
    cloud: Cloud, kinds: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.tokens.expired = True
    with pytest.raises(BackendUnavailableError, match="no token: RefreshError") as refused:
        ask(cloud, kinds, "embed_items", ITEMS)
    assert "Invalid JWT" in refused.value.detail
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(BackendUnavailableError, match="no credentials for Google Cloud"):
        ask(cloud, kinds, "embed_items", ITEMS)


def test_endpoint_that_is_not_there_is_an_error(cloud: Cloud, kinds: Any) -> None:
    with pytest.raises(BackendError, match="status 404"):
        ask(cloud, kinds, "embed_items", ITEMS, endpoint="1")
