"""Writes requests and the trainer's own answers into a model; ServingCheck replays them before a push.

The answers are those of the model in memory, not of the saved one, so that the replay shows every change by saving,
copying or loading. TensorFlow Serving gets the same requests for its warm-up: it runs them when it loads a version,
before the first request of a user.
"""

import base64
import posixpath
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from documents.serving_requests import (
    NumberTensor,
    ServingRequests,
    SignatureKinds,
    StoredRequest,
    StoredTensor,
    StringTensor,
)
from serving_signatures.retriever import Retriever
from serving_signatures.signature import Signature
from transforms import features

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for its warm-up requests: a TFRecord file of PredictionLogs."""

STORED_COLUMNS = 100
"""How many columns of an answer are stored, the first ones, which are the best of a ranked list. A catalogue of a
million items must not be stored again."""

K = 10


class Request(NamedTuple):
    """One request: the signature, what is special about the request, and its inputs by name.

    `edge` marks a request that real users do not send, such as a k above the catalogue's size: it is neither timed nor
    used for the warm-up.
    """

    signature: str
    name: str
    inputs: dict[str, Any]
    edge: bool = False


def make_requests(users: Sequence[bytes], items: Sequence[bytes], total: int) -> list[Request]:
    """Makes requests for every signature that a model may have.

    Args:
        users: Ids of at least one user that the model knows.
        items: Ids of at least one item of the catalogue.
        total: Number of items in the catalogue.
    """
    user, liked = users[0], [items[n % len(items)] for n in range(4)]
    no_such = b"\x01no such id\x01"
    who: dict[str, list[Any]] = {
        "user_id": [user, users[-1], no_such, b"", b""],
        "history": [liked[:3], [b""] * 3, [liked[3], no_such, b""], [liked[1], b"", liked[0]], [b""] * 3],
        "history_weight": [[1.0, 0.5, 6.0], [1.0] * 3, [2.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0] * 3],
    }
    one = {name: rows[:1] for name, rows in who.items()}
    new = {name: rows[-1:] for name, rows in who.items()}
    nobody = {"user_id": [], "history": np.zeros([0, 3], object), "history_weight": np.zeros([0, 3])}
    exclude = [[liked[2], b""], [no_such, liked[0]], [b"", b""], [liked[3], liked[3]], [b"", b""]]
    asked = [*liked, no_such, b""]
    examples = [
        _example(user, liked[:2]),
        _example(users[-1], []),
        _example(no_such, liked[:1]),
        _example(b"", []),
        b"",
    ]
    return [
        Request("serving_default", "one", {"examples": examples[:1]}),
        Request("serving_default", "several", {"examples": examples}),
        Request("serving_default", "empty batch", {"examples": []}, edge=True),
        Request("recommend", "one", {**one, "exclude": [[]], "k": [K]}),
        Request("recommend", "several", {**who, "exclude": exclude, "k": [K, 1, K, 3, 5]}),
        Request("recommend", "k above the catalogue", {**new, "exclude": exclude[:1], "k": [total + 1]}, edge=True),
        Request("recommend", "empty batch", {**nobody, "exclude": np.zeros([0, 1], object), "k": []}, edge=True),
        Request("scores", "one", one),
        Request("scores", "several", who),
        Request("scores", "empty batch", nobody, edge=True),
        Request("embed_items", "one", {"item_id": asked[:1]}),
        Request("embed_items", "several", {"item_id": asked}),
        Request("embed_items", "empty batch", {"item_id": []}, edge=True),
        Request("embed_item_indices", "one", {"index": [0]}),
        Request("embed_item_indices", "several", {"index": [0, total // 2, total - 1, total, -1, 2**62]}),
        Request("embed_item_indices", "empty batch", {"index": []}, edge=True),
        Request("embed_users", "one", one),
        Request("embed_users", "several", who),
        Request("embed_users", "empty batch", nobody, edge=True),
        Request("similar_items", "one", {"item_id": asked[:1], "k": [K]}),
        Request("similar_items", "several", {"item_id": asked, "k": [K, 1, 3, K, K, 5]}),
        Request("similar_items", "k above the catalogue", {"item_id": asked[:1], "k": [total + 1]}, edge=True),
        Request("similar_items", "empty batch", {"item_id": [], "k": []}, edge=True),
        Request("catalogue", "one", {"offset": [0], "limit": [K]}),
        Request("catalogue", "several", {"offset": [total // 2, total - 1, 0], "limit": [K, 2**63 - 1, 0]}),
        Request("catalogue", "beyond the end", {"offset": [total], "limit": [K]}, edge=True),
        Request("catalogue", "empty batch", {"offset": [], "limit": []}, edge=True),
    ]


def _example(user: bytes, history: Sequence[bytes]) -> bytes:
    feature = {
        features.USER_ID: tf.train.Feature(bytes_list=tf.train.BytesList(value=[user])),
        features.ITEM_ID: tf.train.Feature(bytes_list=tf.train.BytesList(value=history)),
        features.VALUE: tf.train.Feature(float_list=tf.train.FloatList(value=[1.0] * len(history))),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def write_requests(retriever: Retriever, signatures: Sequence[Signature], folder: str) -> None:
    """Runs the requests on the model in memory, and writes `ServingRequests` and `WARMUP_FILE`.

    Args:
        retriever: The model.
        signatures: The signatures of the model.
        folder: The folder of its SavedModel, local or remote.
    """
    items = retriever.item_id.numpy()
    by_name = {signature.name: signature for signature in signatures}
    made = make_requests(spread(retriever.users(), 2), spread(items, 4), len(items))
    requests = [request for request in made if request.signature in by_name]
    stored_requests(retriever, by_name, requests).write(folder)
    with tf.io.TFRecordWriter(posixpath.join(folder, WARMUP_FILE)) as writer:
        for request in requests:
            if not request.edge:
                writer.write(_warmup(request, by_name[request.signature]).SerializeToString(deterministic=True))


def stored_requests(
    retriever: Retriever, signatures: dict[str, Signature], requests: Sequence[Request]
) -> ServingRequests:
    """Runs the requests on the model in memory."""
    kinds: dict[str, SignatureKinds] = {}
    stored = []
    # Serving runs on a CPU; another device may round differently.
    with tf.device("/CPU:0"):
        for request in requests:
            signature = signatures[request.signature]
            inputs = _tensors(request, signature)
            outputs = signature.ask(retriever, **inputs)
            kinds[signature.name] = SignatureKinds(
                inputs={name: spec.dtype.name for name, spec in signature.inputs.items()},
                outputs={name: value.dtype.name for name, value in outputs.items()},
            )
            stored.append(
                StoredRequest(
                    signature=request.signature,
                    name=request.name,
                    edge=request.edge,
                    inputs={name: encoded(value) for name, value in inputs.items()},
                    outputs={name: encoded(value) for name, value in outputs.items()},
                )
            )
    return ServingRequests(signatures=kinds, requests=tuple(stored))


def _tensors(request: Request, signature: Signature) -> dict[str, Any]:
    specs = signature.inputs
    arrays = {name: np.array(value, _NUMPY[specs[name].dtype]) for name, value in request.inputs.items()}
    return {name: tf.constant(array, specs[name].dtype) for name, array in arrays.items()}


_NUMPY = {tf.string: object, tf.float32: np.float32, tf.int32: np.int32, tf.int64: np.int64}


def encoded(tensor: Any) -> StoredTensor:
    """Encodes a tensor's shape and its first `STORED_COLUMNS` columns."""
    array: npt.NDArray[Any] = tensor.numpy()
    head = array[..., :STORED_COLUMNS] if array.ndim > 1 else array
    if tensor.dtype == tf.string:
        values = tuple(base64.b64encode(value).decode() for value in head.ravel())
        return StringTensor(shape=array.shape, values=values)
    data = base64.b64encode(np.ascontiguousarray(head).tobytes()).decode()
    return NumberTensor(dtype=tensor.dtype.name, shape=array.shape, data=data)


def _warmup(request: Request, signature: Signature) -> Any:
    inputs = {name: tf.make_tensor_proto(value) for name, value in _tensors(request, signature).items()}
    spec = model_pb2.ModelSpec(signature_name=request.signature)
    predict = predict_pb2.PredictRequest(model_spec=spec, inputs=inputs)
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=predict))


def spread(ids: Sequence[bytes] | npt.NDArray[np.object_], n: int) -> list[bytes]:
    """Picks at most `n` ids, evenly spread over a list of at least one id."""
    return [ids[place] for place in sorted({place * (len(ids) - 1) // max(n - 1, 1) for place in range(n)})]
