"""The requests that a model carries: what they cover, that the answers are the trainer's, and how large they get."""

import base64
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from documents.serving_requests import NumberTensor, ServingRequests, StringTensor
from serving_signatures.export import SIGNATURES
from serving_signatures.provenance import model_digest
from serving_signatures.serving_requests import (
    STORED_COLUMNS,
    WARMUP_FILE,
    encoded,
    make_requests,
    spread,
)
from tests.serving_signatures.conftest import Served


@pytest.fixture(scope="module")
def stored(served: Served) -> dict[str, Any]:
    assert (Path(served.folder) / ServingRequests.FILE).stat().st_size < 50_000
    return ServingRequests.read(served.folder).model_dump(mode="json")


def find(stored: dict[str, Any], signature: str, name: str) -> dict[str, Any]:
    [request] = [r for r in stored["requests"] if (r["signature"], r["name"]) == (signature, name)]
    return dict(request)


def strings(form: dict[str, Any]) -> list[Any]:
    flat = np.array([base64.b64decode(value) for value in form["values"]], object)
    ids: list[Any] = flat.reshape(form["shape"]).tolist()
    return ids


def test_stored_every_signature_is_asked_once_one_row_several_and_none(stored: dict[str, Any]) -> None:
    assert set(stored["signatures"]) == {signature.name for signature in SIGNATURES}
    for signature in SIGNATURES:
        names = [r["name"] for r in stored["requests"] if r["signature"] == signature.name]
        assert len(set(names)) == len(names) >= 3
        assert {"one", "several", "empty batch"} <= set(names)


def test_stored_recommend_equals_the_oracle(stored: dict[str, Any], served: Served) -> None:
    request = find(stored, "recommend", "several")
    users, history = strings(request["inputs"]["user_id"]), strings(request["inputs"]["history"])
    weight = np.frombuffer(base64.b64decode(request["inputs"]["history_weight"]["data"]), np.float32).reshape(5, 3)
    exclude = strings(request["inputs"]["exclude"])
    k = np.frombuffer(base64.b64decode(request["inputs"]["k"]["data"]), np.int32).tolist()
    assert k == [10, 1, 10, 3, 5]
    rows = zip(users, history, weight, exclude, k, strict=True)
    wanted = [
        served.oracle.ranking(served.oracle.user(user, liked, each), [*liked, *out], own, width=10)[0]
        for user, liked, each, out, own in rows
    ]
    assert strings(request["outputs"]["item_id"]) == wanted
    known = np.frombuffer(base64.b64decode(request["outputs"]["known_user"]["data"]), np.bool_)
    assert known.tolist() == [user in served.oracle.users for user in users] == [True, True, False, False, False]


def test_stored_k_above_the_catalogue_lists_all_that_is_left(stored: dict[str, Any], served: Served) -> None:
    request = find(stored, "recommend", "k above the catalogue")
    assert request["edge"]
    assert request["outputs"]["item_id"]["shape"] == [1, len(served.oracle.order)]


def test_encoded_wide_answer_keeps_its_shape_and_its_best_columns() -> None:
    wide = np.arange(2 * 300, dtype=np.float32).reshape(2, 300)
    form = encoded(tf.constant(wide))
    assert isinstance(form, NumberTensor)
    assert (form.shape, form.dtype) == ((2, 300), "float32")
    result = np.frombuffer(base64.b64decode(form.data), "<f4").reshape(2, STORED_COLUMNS)
    np.testing.assert_array_equal(result, wide[:, :100])
    texts = encoded(tf.constant(wide.astype(str)))
    assert isinstance(texts, StringTensor)
    assert len(texts.values) == 200


@pytest.mark.parametrize(("items", "n", "wanted"), [(b"abcdefghi", 3, "aei"), (b"ab", 4, "ab"), (b"a", 2, "a")])
def test_spread_takes_from_all_over_without_repeats(items: bytes, n: int, wanted: str) -> None:
    assert b"".join(spread([bytes([item]) for item in items], n)).decode() == wanted


def test_make_requests_one_user_and_one_item_are_enough() -> None:
    assert {request.signature for request in make_requests([b"u"], [b"i"], 1)} == {s.name for s in SIGNATURES}


def test_warmup_file_holds_tensorflow_servings_requests_and_they_run(served: Served, stored: dict[str, Any]) -> None:
    records = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(Path(served.folder) / WARMUP_FILE))
    ]
    assert len(records) == sum(not request["edge"] for request in stored["requests"])
    for record in records:
        request = record.predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        served.loaded.signatures[request.model_spec.signature_name](**inputs)
    assert {record.predict_log.request.model_spec.signature_name for record in records} == {s.name for s in SIGNATURES}


def test_model_digest_moved_is_equal_and_any_byte_or_name_counts(tmp_path: Path) -> None:
    def model(name: str, **changes: str) -> str:
        files = {
            "saved_model.pb": "graph",
            "variables/index": "1",
            "fingerprint.pb": name,
            "assets.extra/push.json": name,
        }
        for path, text in {**files, **changes}.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return model_digest(f"{tmp_path}/{name}/")

    digest = model("a")
    assert len(digest) == 64
    assert model("b") == digest
    assert model("c", **{"variables/index": "2"}) != digest
    assert model("d", **{"variables/more": ""}) != digest
    assert model("e", **{"saved_model.pb": "grap", "variables/index": "h1"}) != digest
