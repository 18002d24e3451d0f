"""The messages against those of the official package, which only the tests have."""

import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from service.protos import messages

OFFICIAL = {
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
}


def fields(descriptor: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """Each message that is reachable: field name to number, type and whether it repeats."""
    if descriptor.full_name not in seen:
        proto = descriptor_pb2.DescriptorProto()
        descriptor.CopyToProto(proto)
        seen[descriptor.full_name] = {
            field.name: (field.number, field.type, field.label, field.type_name) for field in proto.field
        }
        for field in descriptor.fields:
            if field.message_type is not None:
                fields(field.message_type, seen)
    return seen


@pytest.mark.parametrize("name", OFFICIAL)
def test_messages_each_field_is_the_official_one(name: str) -> None:
    ours = fields(getattr(messages, name).DESCRIPTOR, {})
    official = fields(OFFICIAL[name].DESCRIPTOR, {})
    assert len(ours) > 1 or name.endswith("Status")
    for message, declared in ours.items():
        # The newer line of TensorFlow may have more fields than the one that the file is from.
        assert declared.items() <= official[message].items(), message


def test_messages_types_and_states_have_the_official_numbers() -> None:
    states = messages.ModelVersionStatus.State
    official = get_model_status_pb2.ModelVersionStatus.State
    assert dict(states.items()) == dict(official.items())


def test_methods_are_those_of_the_official_clients() -> None:
    paths = set()

    class Channel:
        def unary_unary(self, path: str, **_: Any) -> None:
            paths.add(path)

    prediction_service_pb2_grpc.PredictionServiceStub(Channel())
    model_service_pb2_grpc.ModelServiceStub(Channel())
    assert {messages.PREDICT, messages.GET_MODEL_METADATA, messages.GET_MODEL_STATUS} <= paths


def test_messages_of_both_packages_in_one_process_understand_each_other() -> None:
    ours = messages.PredictRequest()
    ours.model_spec.name, ours.model_spec.version.value = "shop", 7
    ours.inputs["item_id"].string_val.append(b"\xff")
    official = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert (official.model_spec.name, official.model_spec.version.value) == ("shop", 7)
    assert list(official.inputs["item_id"].string_val) == [b"\xff"]
    assert messages.PredictRequest.FromString(official.SerializeToString()) == ours


@pytest.mark.e2e
def test_messages_are_loaded_without_tensorflow() -> None:
    program = "import sys, service.protos.tensors, service.protos.messages; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
