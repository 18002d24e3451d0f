"""What TensorFlow Serving does with a model: its rules for JSON, and its gRPC service.

The rules are those of https://www.tensorflow.org/tfx/serving/api_rest and of `util/json_tensor.cc` of its sources, read
strictly: its parser and writer also take NaN and Infinity, which are no JSON.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

_NUMPY = {tf.string: object, tf.float32: np.float32, tf.int32: np.int32, tf.int64: np.int64}


class BadRequestError(Exception):
    """TensorFlow Serving would answer with status 400."""


class Predictor(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """A loaded SavedModel behind TensorFlow Serving's two interfaces."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded

    def predict_json(self, body: str) -> str:
        """Answers `POST /v1/models/MODEL:predict`.

        Args:
            body: The request's body, in the row format (`instances`) or the column format (`inputs`).

        Returns:
            The answer's body.

        Raises:
            BadRequestError: The rules are broken, by the request or by the answer.
        """
        request = json.loads(body, parse_constant=_no_constant)
        specs = self._specs(request.get("signature_name", "serving_default"))
        if ("instances" in request) == ("inputs" in request):
            raise BadRequestError("exactly one of 'instances' and 'inputs' is wanted")
        in_rows = "instances" in request
        inputs = _from_rows(request["instances"], specs) if in_rows else _from_columns(request["inputs"], specs)
        outputs = self._run(request.get("signature_name", "serving_default"), inputs)
        answer = {"predictions": _to_rows(outputs)} if in_rows else {"outputs": _to_columns(outputs)}
        try:
            return json.dumps(answer, allow_nan=False, ensure_ascii=False)
        except ValueError as e:
            raise BadRequestError(f"no JSON: {e}") from e

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers `PredictionService.Predict`."""
        name = request.model_spec.signature_name or "serving_default"
        inputs = {key: tf.constant(tf.make_ndarray(proto)) for key, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for key, value in self._run(name, inputs).items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    def _specs(self, signature: str) -> dict[str, Any]:
        if signature not in self._loaded.signatures:
            raise BadRequestError(f"no signature {signature}")
        specs: dict[str, Any] = self._loaded.signatures[signature].structured_input_signature[1]
        return specs

    def _run(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if inputs.keys() != self._specs(signature).keys():
            raise BadRequestError(f"{signature} takes {sorted(self._specs(signature))}; received {sorted(inputs)}")
        try:
            return {name: value.numpy() for name, value in self._loaded.signatures[signature](**inputs).items()}
        except (tf.errors.InvalidArgumentError, TypeError, ValueError) as e:
            raise BadRequestError(str(e)) from e


def _no_constant(text: str) -> None:
    raise BadRequestError(f"{text} is no JSON")


def _from_rows(instances: Any, specs: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(instances, list) or not instances:
        raise BadRequestError("'instances' must be a list that is not empty")
    named = _is_named(instances[0])
    if not named and len(specs) > 1:
        raise BadRequestError("several inputs need an object for each instance")
    if any(_is_named(instance) != named for instance in instances):
        raise BadRequestError("'instances' mixes objects and plain values")
    rows = instances if named else [{next(iter(specs)): instance} for instance in instances]
    for number, row in enumerate(rows):
        if row.keys() != specs.keys():
            raise BadRequestError(f"instance {number} must have the keys {sorted(specs)}; received {sorted(row)}")
    return {name: _tensor([row[name] for row in rows], spec.dtype) for name, spec in specs.items()}


def _from_columns(inputs: Any, specs: Mapping[str, Any]) -> dict[str, Any]:
    if not _is_named(inputs):
        if len(specs) > 1:
            raise BadRequestError("several inputs need an object")
        inputs = {next(iter(specs)): inputs}
    return {name: _tensor(inputs[name], spec.dtype) for name, spec in specs.items() if name in inputs}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _tensor(values: Any, dtype: Any) -> Any:
    flat: list[Any] = []
    shape = _shape(values)
    _fill(values, shape, dtype, flat)
    array = np.empty(len(flat), _NUMPY[dtype])
    array[:] = flat
    return tf.constant(array.reshape(shape), dtype)


def _shape(values: Any) -> list[int]:
    if not isinstance(values, list):
        return []
    return [len(values), *(_shape(values[0]) if values else [])]


def _fill(values: Any, shape: list[int], dtype: Any, flat: list[Any]) -> None:
    if isinstance(values, list):
        if not shape or len(values) != shape[0]:
            raise BadRequestError(f"lists of different lengths or depths: {values}")
        for value in values:
            _fill(value, shape[1:], dtype, flat)
    elif shape:
        raise BadRequestError(f"a value where a list is wanted: {values}")
    else:
        flat.append(_value(values, dtype))


def _value(value: Any, dtype: Any) -> Any:
    if dtype == tf.string and _is_base64(value):
        return base64.b64decode(value["b64"], validate=True)
    if dtype == tf.string and isinstance(value, str):
        return value.encode()
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if dtype == tf.float32 and is_number:
        if abs(value) > np.finfo(np.float32).max or (isinstance(value, int) and abs(value) >= 1 << 24):
            raise BadRequestError(f"{value} is no float32 without loss")
        return value
    if dtype in (tf.int32, tf.int64) and is_number and isinstance(value, int):
        if not np.iinfo(dtype.as_numpy_dtype).min <= value <= np.iinfo(dtype.as_numpy_dtype).max:
            raise BadRequestError(f"{value} is no {dtype.name}")
        return value
    raise BadRequestError(f"{value!r} is no {dtype.name}")


def _to_rows(outputs: Mapping[str, Any]) -> list[Any]:
    batches = {name: value.shape[0] if value.ndim else 0 for name, value in outputs.items()}
    if len({*batches.values()}) > 1 or min(batches.values()) < 1:
        raise BadRequestError(f"the outputs' first dimensions must be equal and above zero: {batches}")
    rows = range(next(iter(batches.values())))
    listed = {name: [_json(name, value[row]) for row in rows] for name, value in outputs.items()}
    if len(listed) == 1:
        return next(iter(listed.values()))
    return [{name: values[row] for name, values in listed.items()} for row in rows]


def _to_columns(outputs: Mapping[str, Any]) -> Any:
    listed = {name: _json(name, value) for name, value in outputs.items()}
    return listed if len(listed) > 1 else next(iter(listed.values()))


def _json(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim:
        return [_json(name, each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, bytes):
        return value
    return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode()
