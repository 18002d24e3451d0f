"""A component of the node's base, as TFX sees it, and its executor, as TFX calls it."""

import json
from dataclasses import dataclass
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
from tfx.dsl.components.base import base_component
from tfx.proto import pusher_pb2
from tfx.types import channel_utils, standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from configs.push import PushSettings
from pipeline.ground.node import Node, NodeExecutor
from pipeline.ground.presence import mark_absent


@dataclass(frozen=True)
class Inputs:
    model: standard_artifacts.Model
    last_model: standard_artifacts.Model | None


@dataclass(frozen=True)
class Outputs:
    blessing: standard_artifacts.ModelBlessing


@dataclass(frozen=True)
class Parameters:
    settings: PushSettings
    destination: pusher_pb2.PushDestination
    weighted: bool
    name: str
    k: int


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    called: tuple[Any, ...] = ()

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        self.called = (inputs, outputs, parameters)


class Judge(Node):
    EXECUTOR = Executor
    TYPE_ANNOTATION = standard_component_specs.EvaluatorSpec.TYPE_ANNOTATION


DESTINATION = pusher_pb2.PushDestination(filesystem=pusher_pb2.PushDestination.Filesystem(base_directory="/serving"))
PARAMETERS: dict[str, Any] = {
    "settings": PushSettings(keep_versions=3),
    "destination": DESTINATION,
    "weighted": True,
    "name": "shop",
    "k": 10,
}
PACKED = {
    "settings": '{"keep_versions":3}',
    "destination": proto_utils.proto_to_json(DESTINATION),
    "weighted": 1,
    "name": "shop",
    "k": 10,
    "code_digest": "d",
}


def channel(kind: Any = standard_artifacts.Model) -> Any:
    return channel_utils.as_channel([kind()])


def model(uri: str) -> Any:
    artifact = standard_artifacts.Model()
    artifact.uri = uri
    return artifact


def do(**inputs: list[Any]) -> Executor:
    executor = Executor()
    executor.Do(inputs, {"blessing": [standard_artifacts.ModelBlessing()]}, {**PACKED, "current_component_id": "Judge"})
    return executor


def test_node_spec_is_that_of_the_dataclasses() -> None:
    judge = Judge(model=channel(), last_model=channel(), code_digest="d", **PARAMETERS)
    spec = Judge.SPEC_CLASS
    assert {name: (channel.type, channel.optional) for name, channel in spec.INPUTS.items()} == {
        "model": (standard_artifacts.Model, False),
        "last_model": (standard_artifacts.Model, True),
    }
    assert {name: parameter.type for name, parameter in spec.PARAMETERS.items()} == {
        "settings": str,
        "destination": pusher_pb2.PushDestination,
        "weighted": int,
        "name": str,
        "k": int,
        "code_digest": str,
    }
    assert spec.TYPE_ANNOTATION is standard_component_specs.EvaluatorSpec.TYPE_ANNOTATION
    assert (judge.id, set(judge.inputs), set(judge.outputs)) == ("Judge", {"model", "last_model"}, {"blessing"})
    assert judge.outputs["blessing"].type is standard_artifacts.ModelBlessing
    assert isinstance(judge, base_component.BaseComponent)


def test_node_parameters_are_packed_with_the_digest_of_the_executors_code() -> None:
    # The executor's module is this one, which is no package of ours, so the digest is given.
    judge = Judge(model=channel(), code_digest="d", **PARAMETERS)
    assert json.loads(judge.exec_properties["settings"]) == {"keep_versions": 3}
    assert {name: judge.exec_properties[name] for name in ("weighted", "name", "k", "code_digest")} == {
        "weighted": 1,
        "name": "shop",
        "k": 10,
        "code_digest": "d",
    }
    assert set(judge.inputs) == {"model"}


@pytest.mark.parametrize("missing", ["model", "settings", "k"])
def test_node_required_argument_missing_refused_by_name(missing: str) -> None:
    arguments = {"model": channel(), "code_digest": "d", **PARAMETERS}
    del arguments[missing]
    with pytest.raises(ValueError, match=missing):
        Judge(**arguments)


def test_node_unknown_argument_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"Judge takes model, last_model, .*; received catalog$"):
        Judge(model=channel(), code_digest="d", catalog=channel(), **PARAMETERS)


def test_node_channel_of_another_type_refused() -> None:
    with pytest.raises(TypeError, match="Examples"):
        Judge(model=channel(standard_artifacts.Examples), code_digest="d", **PARAMETERS)


def test_executor_gets_typed_artifacts_and_parameters() -> None:
    executor = do(model=[model("/a")], last_model=[model("/b")])
    inputs, outputs, parameters = executor.called
    assert (inputs.model.uri, inputs.last_model.uri) == ("/a", "/b")
    assert isinstance(outputs.blessing, standard_artifacts.ModelBlessing)
    assert parameters == Parameters(**PARAMETERS)
    assert parameters.weighted is True
    assert executor.component_id == "Judge"


@pytest.mark.parametrize("given", [{}, {"last_model": []}])
def test_executor_optional_channel_missing_or_empty_is_none(given: dict[str, list[Any]]) -> None:
    assert do(model=[model("/a")], **given).called[0].last_model is None


def test_executor_model_that_stands_for_none_is_none() -> None:
    absent = model("")
    mark_absent(absent)
    assert do(model=[model("/a")], last_model=[absent]).called[0].last_model is None


@pytest.mark.parametrize("given", [[], ["/a", "/b"]])
def test_executor_required_channel_of_no_or_several_artifacts_refused(given: list[str]) -> None:
    with pytest.raises(ValueError, match=f"channel 'model' must hold one artifact; received {len(given)}"):
        do(model=[model(uri) for uri in given])
