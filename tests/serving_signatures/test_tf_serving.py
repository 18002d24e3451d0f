"""Every signature behind TensorFlow Serving's rules, and the requests that docs/signatures.md shows."""

import base64
import inspect
import json
import types
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.cloud import aiplatform
from tensorflow_serving.apis import prediction_service_pb2_grpc

from common import answers
from documents.serving_requests import ServingRequests
from pipeline.components.serving_check.replay import tensor
from serving_signatures.export import SIGNATURES
from tests.docs.markdown import ROOT, fences
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.tf_serving import BadRequestError, Predictor

PAGE = ROOT / "docs" / "signatures.md"
NAMES = [signature.name for signature in SIGNATURES]
ROWS: dict[str, dict[str, Any]] = {
    "serving_default": {"examples": {"b64": base64.b64encode(tf.train.Example().SerializeToString()).decode()}},
    "recommend": {"user_id": "u0-1", "history": ["i3", ""], "history_weight": [1, 0.5], "exclude": [], "k": 3},
    "scores": {"user_id": "u0-1", "history": ["i3", ""], "history_weight": [1, 0.5]},
    "embed_items": {"item_id": "i3"},
    "embed_item_indices": {"index": 4},
    "embed_users": {"user_id": "who", "history": [], "history_weight": []},
    "similar_items": {"item_id": "no such item", "k": 4},
    "catalogue": {"offset": 5, "limit": 3},
}


@pytest.fixture(scope="module")
def predictor(served: Served) -> Predictor:
    return Predictor(served.loaded)


def ask(predictor: Predictor, signature: str, *instances: Any) -> list[Any]:
    answer = json.loads(predictor.predict_json(json.dumps({"signature_name": signature, "instances": instances})))
    predictions: list[Any] = answer["predictions"]
    return predictions


def test_rows_are_given_for_every_signature() -> None:
    assert sorted(ROWS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_rows_one_and_several_are_answered_alike(predictor: Predictor, name: str) -> None:
    one, several = ask(predictor, name, ROWS[name]), ask(predictor, name, *[ROWS[name]] * 3)
    assert _rounded(several) == _rounded(one * 3)


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_lack_or_add_an_input_are_refused(predictor: Predictor, name: str) -> None:
    for key in ROWS[name]:
        lacking = {other: value for other, value in ROWS[name].items() if other != key}
        with pytest.raises(BadRequestError):
            ask(predictor, name, ROWS[name], lacking)
    with pytest.raises(BadRequestError, match="must have the keys"):
        ask(predictor, name, {**ROWS[name], "k2": 1})


@pytest.mark.parametrize("name", NAMES)
def test_rows_equal_columns(predictor: Predictor, name: str) -> None:
    columns = {key: [value, value] for key, value in ROWS[name].items()}
    body = json.dumps({"signature_name": name, "inputs": columns})
    outputs = json.loads(predictor.predict_json(body))["outputs"]
    rows = ask(predictor, name, ROWS[name], ROWS[name])
    by_name = {key: [row[key] for row in rows] for key in outputs} if isinstance(outputs, dict) else rows
    assert _rounded(outputs) == _rounded(by_name)


@pytest.mark.parametrize("name", [name for name in NAMES if len(ROWS[name]) == 1])
def test_rows_of_one_input_may_be_plain_values(predictor: Predictor, name: str) -> None:
    (value,) = ROWS[name].values()
    assert _rounded(ask(predictor, name, value)) == _rounded(ask(predictor, name, ROWS[name]))


def test_rows_of_one_output_are_plain_values(predictor: Predictor, served: Served) -> None:
    (row,) = ask(predictor, "scores", ROWS["scores"])
    assert len(row) == len(served.oracle.order)


def test_stored_requests_are_answered_in_strict_json(predictor: Predictor, served: Served) -> None:
    asked = 0
    for request in ServingRequests.read(served.folder).model_dump(mode="json")["requests"]:
        inputs = {name: tensor(form, vars(answers)).numpy() for name, form in request["inputs"].items()}
        outputs = served.loaded.signatures[request["signature"]](**{n: tf.constant(v) for n, v in inputs.items()})
        if min(len(value) for value in [*inputs.values(), *outputs.values()]) == 0:
            continue  # no instance, or no prediction: the row format has no word for it
        count = len(next(iter(inputs.values())))
        rows = [{name: _plain(value[row]) for name, value in inputs.items()} for row in range(count)]
        predictions = ask(predictor, request["signature"], *rows)
        assert len(predictions) == len(outputs[next(iter(outputs))])
        asked += 1
    assert asked >= 2 * len(NAMES)


def _rounded(value: Any) -> Any:
    """The same values, without the digits in which batches of different sizes differ."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return pytest.approx(value, rel=1e-4, abs=1e-5) if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value.item()


def test_padding_is_finite_and_told_by_the_empty_id(predictor: Predictor, served: Served) -> None:
    wide = {**ROWS["recommend"], "k": 1000}
    narrow, everything = ask(predictor, "recommend", ROWS["recommend"], wide)
    total = len(served.oracle.order)
    assert [len(row["item_id"]) for row in (narrow, everything)] == [total, total]
    assert [item != "" for item in narrow["item_id"]] == [True] * 3 + [False] * (total - 3)
    assert everything["item_id"][-1] == ""
    assert everything["score"][-1] == narrow["score"][3] == float(np.finfo(np.float32).min)
    (unknown,) = ask(predictor, "similar_items", ROWS["similar_items"])
    assert (unknown["item_id"], unknown["known"]) == ([""] * 4, False)


@pytest.mark.parametrize("page", [{"offset": 27, "limit": 3}, {"offset": 0, "limit": 0}])
def test_rows_an_empty_page_is_an_error_so_a_client_stops_at_total(predictor: Predictor, page: Any) -> None:
    with pytest.raises(BadRequestError, match="above zero"):
        ask(predictor, "catalogue", page)
    assert {row["total"] for row in ask(predictor, "catalogue", page, {"offset": 0, "limit": 2})} == {27}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"k": 0}, "k must be 1 or more"),
        ({"k": 2.0}, "is no int32"),
        ({"k": True}, "is no int32"),
        ({"k": [3]}, "lists of different lengths"),
        ({"history": ["i3"]}, "different lengths"),
        ({"history_weight": [1, "1"]}, "is no float32"),
        ({"user_id": 7}, "is no string"),
    ],
)
def test_rows_that_do_not_fit_are_refused(predictor: Predictor, row: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        ask(predictor, "recommend", ROWS["recommend"], {**ROWS["recommend"], **row})


class _Stand:
    """A signature that returns what it gets, by another name: for the rules themselves."""

    def __init__(self, output: str, value: Any) -> None:
        def answer(**inputs: Any) -> dict[str, Any]:
            return {output: tf.constant(value)}

        specs = ((), {"x": tf.TensorSpec([None], tf.string)})
        self.signatures = {"s": _Callable(answer, specs)}


class _Callable:
    def __init__(self, answer: Any, specs: Any) -> None:
        self._answer, self.structured_input_signature = answer, specs

    def __call__(self, **inputs: Any) -> Any:
        return self._answer(**inputs)


def test_rules_a_name_that_ends_in_bytes_is_base64_and_no_output_of_ours_does(served: Served) -> None:
    named = Predictor(_Stand("image_bytes", [b"\xff\x00"]))
    assert json.loads(named.predict_json('{"signature_name": "s", "instances": ["a"]}'))["predictions"] == [
        {"b64": "/wA="}
    ]
    outputs = {name for function in served.loaded.signatures.values() for name in function.structured_outputs}
    assert not [name for name in outputs if name.endswith("_bytes")]


@pytest.mark.parametrize("value", [[float("inf")], [float("-inf")], [float("nan")], 1.0, np.zeros([0], np.float32)])
def test_rules_answers_that_are_no_rows_of_json_are_refused(value: Any) -> None:
    with pytest.raises(BadRequestError):
        Predictor(_Stand("score", value)).predict_json('{"signature_name": "s", "instances": ["a"]}')


def test_page_requests_are_real_and_name_every_signature(predictor: Predictor) -> None:
    bodies = fences(PAGE, "json")
    asked = [json.loads(body).get("signature_name", "serving_default") for body in bodies if "instances" in body]
    assert sorted({*asked}) == sorted(NAMES)
    for body in bodies:
        if "instances" in body:
            assert json.loads(predictor.predict_json(body))["predictions"]


def test_page_answer_has_the_form_of_a_real_one(predictor: Predictor) -> None:
    bodies = fences(PAGE, "json")
    shown = [number for number, body in enumerate(bodies) if "predictions" in body]
    assert shown
    for number in shown:
        real = json.loads(predictor.predict_json(bodies[number - 1]))["predictions"]
        written = json.loads(bodies[number])["predictions"]
        assert [_form(row) for row in written] == [_form(row) for row in real]


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_form(each) for each in value]
    return type(value)


_REAL = aiplatform.Endpoint


class _Endpoint:
    """Stands for `aiplatform.Endpoint`, with its parameters; the model answers behind the container's rules."""

    predictor: Predictor

    def __init__(self, name: str) -> None:
        inspect.signature(_REAL.__init__).bind(self, name)

    def predict(self, *given: Any, **named: Any) -> Any:
        bound = inspect.signature(_REAL.predict).bind(self, *given, **named).arguments
        answer = self.predictor.predict_json(json.dumps({"instances": bound["instances"]}))
        return types.SimpleNamespace(**json.loads(answer))

    def raw_predict(self, *given: Any, **named: Any) -> Any:
        bound = inspect.signature(_REAL.raw_predict).bind(self, *given, **named).arguments
        answer = self.predictor.predict_json(bound["body"].decode())
        return types.SimpleNamespace(json=lambda: json.loads(answer))


def test_page_vertex_calls_are_real(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = fences(PAGE, "python vertex")
    _Endpoint.predictor = predictor
    monkeypatch.setattr(aiplatform, "Endpoint", _Endpoint)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert [sorted(row) for row in names["default"]] == [["item_id", "score"]]
    assert [sorted(row) for row in names["similar"]] == [["item_id", "known", "score"]]


@pytest.fixture
def address(predictor: Predictor) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(predictor, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


def test_page_grpc_calls_are_real_and_name_every_signature(address: str) -> None:
    code = "\n".join(fences(PAGE, "python grpc"))
    assert "localhost:8500" in code
    names: dict[str, Any] = {}
    exec(compile(code.replace("localhost:8500", address), str(PAGE), "exec"), names)
    assert {name for name in NAMES if f'ask("{name}"' in code} == {*NAMES}
    answer = names["answer"]
    assert answer["item_id"].shape == answer["score"].shape
