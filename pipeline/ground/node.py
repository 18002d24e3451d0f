"""The base of our components: channels and parameters are declared once, as three dataclasses beside the executor.

An executor declares its inputs, outputs and parameters:

    @dataclass(frozen=True)
    class Inputs:
        model: standard_artifacts.Model
        last_model: standard_artifacts.Model | None  # the channel may be missing, or empty

    @dataclass(frozen=True)
    class Outputs:
        blessing: standard_artifacts.ModelBlessing

    @dataclass(frozen=True)
    class Parameters:
        settings: Evaluation  # pydantic models travel as JSON, protos as TFX writes them

    class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
        def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None: ...

and a component names its executor:

    class Evaluator(Node):
        EXECUTOR = Executor

    Evaluator(model=trainer.outputs["model"], settings=config.evaluation)

TFX's `ComponentSpec` is built from that, with the digest of all code that the executor imports.

What TFX does not leave to us is declared in TFX's own way:

 - InteractionGen and CatalogueGen extend TFX's `FileBasedExampleGen`, because Vertex runs the driver that fingerprints
   input files for its subclasses alone. Their settings travel in its `custom_config`; see `reading/example_gen.py`.
 - Transform's spec and executor are TFX's. The settings of the `preprocessing_fn` travel in `custom_config`.
 - CuratedSchemaGen's executor is TFX's; only its spec is ours.
 - Trainer is a Node, and its `run_fn`, which is named by a parameter, takes the `custom_config` that TFX's
   Trainer would give it.
"""

import abc
import dataclasses
import types as python_types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from google.protobuf import message
from pydantic import BaseModel
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import component_spec
from tfx.utils import proto_utils

from pipeline.ground.code_digest import code_digest as digest_of_code
from pipeline.ground.presence import present

InputsT = TypeVar("InputsT")
OutputsT = TypeVar("OutputsT")
ParametersT = TypeVar("ParametersT")

CODE_DIGEST = "code_digest"
"""The parameter that every component has in addition to its own."""

Artifacts = dict[str, list[types.Artifact]]


class Declared(Generic[InputsT, OutputsT, ParametersT]):
    """Knows the inputs, outputs and parameters of an executor. Mix it into an executor that has its own `Do`."""

    @classmethod
    def declared(cls) -> tuple[type[Any], type[Any], type[Any]]:
        """Returns the dataclasses of inputs, outputs and parameters."""
        for each in cls.__mro__:
            for base in getattr(each, "__orig_bases__", ()):
                if issubclass(typing.get_origin(base) or object, Declared):
                    inputs, outputs, parameters = typing.get_args(base)
                    return inputs, outputs, parameters
        raise TypeError(f"{cls.__qualname__} names no dataclasses: write Declared[Inputs, Outputs, Parameters]")

    @classmethod
    def unpacked(cls, exec_properties: Mapping[str, Any]) -> ParametersT:
        """Reads the parameters.

        Args:
            exec_properties: As TFX passes them to `Do`.
        """
        parameters = cls.declared()[2]
        values = {name: _unpacked(kind, exec_properties[name]) for name, kind in _fields(parameters).items()}
        return typing.cast(ParametersT, parameters(**values))


class NodeExecutor(Declared[InputsT, OutputsT, ParametersT], base_executor.BaseExecutor):
    """An executor with typed inputs, outputs and parameters."""

    component_id: str | None = None
    """The node's id; None if TFX does not pass it."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Unpacks the artifacts and parameters that TFX passes, and calls `run`.

        Args:
            input_dict: Artifacts by channel; each channel must hold exactly one, or none if the input is optional.
            output_dict: Artifacts by channel; each channel must hold exactly one.
            exec_properties: The parameters, packed.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        self.component_id = exec_properties.get("current_component_id")
        inputs, outputs, _ = self.declared()
        self.run(_single(inputs, present(input_dict)), _single(outputs, output_dict), self.unpacked(exec_properties))

    @abc.abstractmethod
    def run(self, inputs: InputsT, outputs: OutputsT, parameters: ParametersT) -> None:
        """Does the component's work."""


class Node(base_component.BaseComponent):
    """A component whose spec comes from its executor."""

    EXECUTOR: ClassVar[type[Declared[Any, Any, Any]]]
    """The executor."""

    TYPE_ANNOTATION: ClassVar[Any] = None
    """TFX's class for this kind of component, if there is one, such as the class of all Pushers."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Builds TFX's two class attributes."""
        super().__init_subclass__(**kwargs)
        cls.SPEC_CLASS = _spec_class(cls)
        cls.EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(cls.EXECUTOR)

    def __init__(
        self,
        *,
        code_digest: str | None = None,
        custom_executor_spec: executor_spec.ExecutorSpec | None = None,
        **arguments: Any,
    ) -> None:
        """Declares the component.

        Args:
            code_digest: The digest for an executor that also runs code named by a parameter. None: the digest of the
                executor's module.
            custom_executor_spec: Another executor, with the same inputs, outputs and parameters.
            **arguments: A channel for each input, and a value for each parameter. Optional inputs may be left out.

        Raises:
            TypeError: An argument is unknown, or has the wrong type.
            ValueError: A required argument is missing. TFX's `ComponentSpec` checks this, and the types.
        """
        inputs, outputs, parameters = self.EXECUTOR.declared()
        known = {**_fields(inputs), **_fields(parameters)}
        if unknown := sorted(set(arguments) - set(known)):
            raise TypeError(f"{type(self).__name__} takes {', '.join(known)}; received {', '.join(unknown)}")
        channels = {name: types.Channel(type=kind) for name, kind in _fields(outputs).items()}
        packed = {name: _packed(arguments.pop(name)) for name in _fields(parameters) if name in arguments}
        packed[CODE_DIGEST] = code_digest or digest_of_code(self.EXECUTOR.__module__)
        super().__init__(
            spec=self.SPEC_CLASS(**arguments, **packed, **channels), custom_executor_spec=custom_executor_spec
        )


def _spec_class(node: type[Node]) -> type[component_spec.ComponentSpec]:
    inputs, outputs, parameters = node.EXECUTOR.declared()
    spec_types = {**{name: _spec_type(kind) for name, kind in _fields(parameters).items()}, CODE_DIGEST: str}
    attributes = {
        "PARAMETERS": {name: component_spec.ExecutionParameter(type=kind) for name, kind in spec_types.items()},
        "INPUTS": {
            name: component_spec.ChannelParameter(type=_required(kind), optional=_required(kind) is not kind)
            for name, kind in _fields(inputs).items()
        },
        "OUTPUTS": {name: component_spec.ChannelParameter(type=kind) for name, kind in _fields(outputs).items()},
        "TYPE_ANNOTATION": node.TYPE_ANNOTATION,
        "__doc__": f"What {node.__name__} takes and gives.",
        "__module__": node.__module__,
    }
    return type(f"{node.__name__}Spec", (component_spec.ComponentSpec,), attributes)


def _fields(declared: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass and their types, in order."""
    hints = typing.get_type_hints(declared)
    return {field.name: hints[field.name] for field in dataclasses.fields(declared)}


def _required(kind: Any) -> Any:
    """Returns `X` for `X | None`, and any other type unchanged."""
    if typing.get_origin(kind) in (typing.Union, python_types.UnionType):
        return next(each for each in typing.get_args(kind) if each is not type(None))
    return kind


def _single(declared: type[Any], artifacts: Artifacts) -> Any:
    """Puts the one artifact of each channel into its field; None where an optional channel is missing or empty."""
    found: dict[str, types.Artifact | None] = {}
    for name, kind in _fields(declared).items():
        is_optional = _required(kind) is not kind
        given = artifacts.get(name) or []
        if len(given) != 1 and not (is_optional and not given):
            raise ValueError(f"channel {name!r} must hold one artifact; received {len(given)}")
        found[name] = given[0] if given else None
    return declared(**found)


def _spec_type(kind: Any) -> type[Any]:
    if issubclass(kind, bool):
        return int
    return str if issubclass(kind, BaseModel) else typing.cast(type[Any], kind)


def _packed(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return int(value) if isinstance(value, bool) else value


def _unpacked(kind: Any, value: Any) -> Any:
    if issubclass(kind, BaseModel):
        return kind.model_validate_json(value)
    if issubclass(kind, message.Message):
        proto = kind()
        proto_utils.json_to_proto(value, proto)
        return proto
    return kind(value)


def follow_libraries(*components: base_component.BaseComponent) -> None:
    """Puts the versions of the libraries into the cache key of TFX's own components, as our components have them.

    The cache must not return statistics that an older TensorFlow Data Validation computed.

    Args:
        *components: Their constructors have no parameter for it.
    """
    for component in components:
        component.exec_properties[CODE_DIGEST] = digest_of_code()
