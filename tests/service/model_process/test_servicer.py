"""The model process as a server: what TensorFlow Serving's own clients ask and get, and how it starts and ends."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests import forked
from tests.service.conftest import NEWEST, OLDER
from tests.service.model_server import NAME, ModelServer, serving

pytestmark = pytest.mark.e2e

SECONDS = 60.0


@pytest.fixture
def channel(model_server: ModelServer) -> Iterator[grpc.Channel]:
    """A channel of the official clients to a server whose versions are loaded."""
    with grpc.insecure_channel(model_server.address) as channel:
        while {each.state for each in states(channel).values()} != {AVAILABLE}:
            pass
        yield channel


AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE
LOADING = get_model_status_pb2.ModelVersionStatus.LOADING


def states(channel: grpc.Channel, **spec: Any) -> dict[int, Any]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = spec.get("name", NAME)
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    service = model_service_pb2_grpc.ModelServiceStub(channel)
    response = service.GetModelStatus(request, timeout=SECONDS, wait_for_ready=True)
    return {each.version: each for each in response.model_version_status}


def predict(channel: grpc.Channel, signature: str = "embed_items", **spec: Any) -> Any:
    request = predict_pb2.PredictRequest(output_filter=spec.get("output_filter", []))
    request.model_spec.name, request.model_spec.signature_name = spec.get("name", NAME), signature
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for name, value in spec.get("inputs", {"item_id": ["i3"]}).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=SECONDS)


def test_predict_official_client_gets_what_the_loaded_model_says(channel: grpc.Channel, model_folder: str) -> None:
    response = predict(channel)
    assert (response.model_spec.name, response.model_spec.version.value) == (NAME, NEWEST)
    assert response.model_spec.signature_name == "embed_items"
    expected = tf.saved_model.load(model_folder).signatures["embed_items"](item_id=tf.constant(["i3"]))
    assert {*response.outputs} == {*expected}
    for name, value in expected.items():
        np.testing.assert_allclose(tf.make_ndarray(response.outputs[name]), value.numpy(), rtol=1e-6)


def test_predict_of_versions_and_labels_is_answered_by_them(channel: grpc.Channel) -> None:
    asked: list[dict[str, Any]] = [{"version": OLDER}, {"version": NEWEST}, {"label": "stable"}, {}]
    answered = [predict(channel, **spec).model_spec.version.value for spec in asked]
    assert answered == [OLDER, NEWEST, OLDER, NEWEST]


def test_predict_output_filter_leaves_out_the_others(channel: grpc.Channel) -> None:
    assert {*predict(channel, output_filter=["known"]).outputs} == {"known"}


def test_predict_without_a_signature_asks_the_default(channel: grpc.Channel) -> None:
    response = predict(channel, "", inputs={"examples": [tf.train.Example().SerializeToString()]})
    assert response.model_spec.signature_name == "serving_default"
    assert {*response.outputs} == {"item_id", "score"}


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ({"name": "other"}, "NOT_FOUND", "Servable not found for request: Latest(other)"),
        ({"version": 4}, "NOT_FOUND", f"Servable not found for request: Specific({NAME}, 4)"),
        ({"label": "canary"}, "INVALID_ARGUMENT", "Unrecognized servable version label: canary"),
        ({"name": ""}, "INVALID_ARGUMENT", "Missing ModelSpec"),
        ({"signature": "nothing"}, "FAILED_PRECONDITION", 'Serving signature key "nothing" not found.'),
        ({"output_filter": ["score"]}, "INVALID_ARGUMENT", "output tensor alias not found in signature: score"),
        ({"inputs": {"items": ["i3"]}}, "INVALID_ARGUMENT", "Sent extra: {items}. Missing but required: {item_id}."),
        ({"inputs": {"item_id": [1.5]}}, "INVALID_ARGUMENT", ""),
    ],
)
def test_predict_errors_have_the_codes_and_words_of_tensorflow_serving(
    channel: grpc.Channel, spec: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        predict(channel, **spec)
    assert error.value.code().name == code
    assert words in error.value.details()


def test_status_lists_versions_newest_first_and_knows_no_others(channel: grpc.Channel) -> None:
    assert [*states(channel)] == [NEWEST, OLDER]
    assert [*states(channel, version=OLDER)] == [OLDER]
    for spec, words in (({"name": "other"}, "any versions of model other"), ({"version": 4}, "version 4 of model")):
        with pytest.raises(grpc.RpcError) as error:
            states(channel, **spec)
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        assert words in error.value.details()


def test_metadata_holds_the_signatures(channel: grpc.Channel, model_folder: str) -> None:
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    response = service.GetModelMetadata(request, timeout=SECONDS)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    loaded = tf.saved_model.load(model_folder).signatures
    assert {name: {*each.inputs} for name, each in found.signature_def.items()} == {
        name: {*each.structured_input_signature[1]} for name, each in loaded.items()
    }
    for fields, words in (([], "at least one metadata_field"), (["graph"], "graph is not supported")):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        request.model_spec.name = NAME
        with pytest.raises(grpc.RpcError) as error:
            service.GetModelMetadata(request, timeout=SECONDS)
        assert words in error.value.details()


def test_start_listens_while_it_loads_and_sigterm_ends_it(model_folder: str, tmp_path: Path) -> None:
    with serving(f"unix:{tmp_path}/s", f"{NEWEST}={model_folder}") as server:
        with grpc.insecure_channel(server.address) as channel:
            seen = [states(channel)[NEWEST].state]
            while seen[-1] != AVAILABLE:
                seen.append(states(channel)[NEWEST].state)
        assert {*seen} == {LOADING, AVAILABLE}
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


def test_start_without_a_model_ends_with_a_reason(tmp_path: Path) -> None:
    ended = _run("--address", "localhost:0", f"7={tmp_path}")
    assert ended.returncode == 1
    assert f"cannot load the SavedModel in {tmp_path}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_start_at_an_address_that_is_taken_ends_with_a_reason(model_server: ModelServer, model_folder: str) -> None:
    ended = _run("--address", model_server.address, f"7={model_folder}")
    assert ended.returncode == 1
    assert f"cannot listen at {model_server.address}" in ended.stderr


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [forked.python(), "-m", "service.model_process", "--model-name", NAME, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
