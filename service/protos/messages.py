"""TensorFlow Serving's messages and the names of its methods.

The official Python package of these messages, tensorflow-serving-api, installs all of TensorFlow. So their descriptors
are in a file beside this module, which `collect.py` writes. They are loaded into a pool of their own: a process that
also imports the official package, as the model process may and the tests do, would otherwise declare each message
twice.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from service.protos import FILE

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

PREDICT = f"/{PREDICTION_SERVICE}/Predict"
GET_MODEL_METADATA = f"/{PREDICTION_SERVICE}/GetModelMetadata"
GET_MODEL_STATUS = f"/{MODEL_SERVICE}/GetModelStatus"
"""Paths of the methods in gRPC."""


def _pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(FILE.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()
# protobuf 3 has a factory for each pool, and the newer ones a function.
_class_of: Any = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(_POOL).GetPrototype


def _message(name: str) -> Any:
    return _class_of(_POOL.FindMessageTypeByName(name))


TensorProto = _message("tensorflow.TensorProto")
SignatureDefMap = _message("tensorflow.serving.SignatureDefMap")
PredictRequest = _message("tensorflow.serving.PredictRequest")
PredictResponse = _message("tensorflow.serving.PredictResponse")
GetModelMetadataRequest = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _message("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _message("tensorflow.serving.GetModelStatusResponse")
ModelVersionStatus = _message("tensorflow.serving.ModelVersionStatus")
