"""Makes the ExecutorInput of a task: what Vertex passes it in place of `{{$}}`."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from configs.errors import JobError
from pipeline.vertex.rehearsal import placeholders
from pipeline.vertex.rehearsal.records import Artifact, Record

_LEGACY_KEYS = {str: "stringValue", int: "intValue", float: "doubleValue"}
_RESOURCE = "projects/rehearsal/locations/local/metadataStores/default/artifacts/"


class Scope:
    """What a DAG's tasks can take from outside: its own inputs."""

    def __init__(self, parameters: Mapping[str, Any], artifacts: Mapping[str, list[Artifact]]) -> None:
        """Holds values.

        Args:
            parameters: By name.
            artifacts: By name.
        """
        self.parameters = parameters
        self.artifacts = artifacts


class Inputs:
    """Values of one task's inputs."""

    def __init__(
        self,
        path: str,
        task: pb.PipelineTaskSpec,
        component: pb.ComponentSpec,
        scope: Scope,
        ended: Mapping[str, Record],
        final_status: Any = None,
    ) -> None:
        """Looks up every input.

        Args:
            path: The task's path, for messages.
            task: Says where each input comes from.
            component: Says which there are, and their defaults.
            scope: Of the DAG that the task is in.
            ended: Records of the DAG's tasks, by name.
            final_status: Of a task's name, its PipelineTaskFinalStatus as JSON values.

        Raises:
            JobError: A parameter has no value.
        """
        self._path = path
        self.artifacts = {key: self._artifacts(spec, scope, ended) for key, spec in task.inputs.artifacts.items()}
        for key in component.input_definitions.artifacts:
            self.artifacts.setdefault(key, [])
        self.parameters: dict[str, Any] = {}
        for key, declared in component.input_definitions.parameters.items():
            value = None
            if key in task.inputs.parameters:
                value = self._parameter(task.inputs.parameters[key], scope, ended, final_status)
            if isinstance(value, dict) and declared.parameter_type == pb.ParameterType.STRING:
                value = json.dumps(value)  # a final status, which TFX takes as text
            if value is None and declared.HasField("default_value"):
                value = json_format.MessageToDict(declared.default_value)
            if value is not None:
                self.parameters[key] = value
            elif not declared.is_optional:
                raise JobError(f"task {path!r}: its parameter {key!r} has no value, and no default.")

    def add(self, parameters: Mapping[str, Any]) -> None:
        """Adds what a driver has found out."""
        self.parameters.update(parameters)

    def _artifacts(
        self, spec: pb.TaskInputsSpec.InputArtifactSpec, scope: Scope, ended: Mapping[str, Record]
    ) -> list[Artifact]:
        if spec.WhichOneof("kind") == "component_input_artifact":
            return list(scope.artifacts.get(spec.component_input_artifact, []))
        source = spec.task_output_artifact
        return ended[source.producer_task].artifacts.get(source.output_artifact_key, [])

    def _parameter(
        self,
        spec: pb.TaskInputsSpec.InputParameterSpec,
        scope: Scope,
        ended: Mapping[str, Record],
        final_status: Any,
    ) -> Any:
        kind = spec.WhichOneof("kind")
        if kind == "component_input_parameter":
            return scope.parameters.get(spec.component_input_parameter)
        if kind == "task_output_parameter":
            source = spec.task_output_parameter
            return ended[source.producer_task].parameters.get(source.output_parameter_key)
        if kind == "task_final_status":
            return final_status(spec.task_final_status.producer_task)
        value = constant(spec.runtime_value, scope.parameters)
        if isinstance(value, str) and "{{$" in value and not value.startswith("{{$}}"):
            return placeholders.replace(value, {"inputs": {"parameterValues": dict(scope.parameters)}}, {})
        return value


def constant(value: pb.ValueOrRuntimeParameter, parameters: Mapping[str, Any]) -> Any:
    """A constant, or the value of a RuntimeParameter; None if it has none.

    Args:
        value: As the job has it.
        parameters: Values of the job's parameters.
    """
    kind = value.WhichOneof("value")
    if kind == "constant":
        return json_format.MessageToDict(value.constant)
    if kind == "constant_value":
        which = value.constant_value.WhichOneof("value")
        return getattr(value.constant_value, which) if which else None
    return parameters.get(value.runtime_parameter)


def executor_input(inputs: Inputs, component: pb.ComponentSpec, task_root: str, *, legacy: bool) -> dict[str, Any]:
    """The whole ExecutorInput, with new artifacts for the outputs.

    Args:
        inputs: Values of the inputs.
        component: Says which outputs there are.
        task_root: The place of everything that the task writes, `gs://…`.
        legacy: Whether the job's schema version is 2.0, which has parameters of another shape.

    Returns:
        JSON values.
    """
    parameters = (
        {"parameters": {key: {_LEGACY_KEYS[type(value)]: value} for key, value in inputs.parameters.items()}}
        if legacy
        else {"parameterValues": inputs.parameters}
    )
    outputs = {
        key: {
            "artifacts": [
                {
                    "name": artifact_name(f"{task_root}/{key}"),
                    "uri": f"{task_root}/{key}",
                    "type": json_format.MessageToDict(declared.artifact_type),
                    "metadata": json_format.MessageToDict(declared.metadata),
                }
            ]
        }
        for key, declared in component.output_definitions.artifacts.items()
    }
    return {
        "inputs": {
            **parameters,
            "artifacts": {
                key: {"artifacts": [artifact.as_runtime_artifact() for artifact in artifacts]}
                for key, artifacts in inputs.artifacts.items()
            },
        },
        "outputs": {
            "artifacts": outputs,
            "parameters": {
                key: {"outputFile": f"{task_root}/{key}"} for key in component.output_definitions.parameters
            },
            "outputFile": f"{task_root}/executor_output.json",
        },
    }


def artifact_name(uri: str) -> str:
    """The resource name of the artifact of this place; Vertex numbers them."""
    return _RESOURCE + str(int(hashlib.sha256(uri.encode()).hexdigest()[:15], 16))


def cache_key(
    container: pb.PipelineDeploymentConfig.PipelineContainerSpec, inputs: Inputs, component: pb.ComponentSpec
) -> str:
    """By what Vertex knows an execution again: image, command, arguments, inputs, declared outputs.

    Source: https://cloud.google.com/vertex-ai/docs/pipelines/configure-caching.

    Returns:
        64 hexadecimal digits.
    """
    known = {
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "env": {variable.name: variable.value for variable in container.env},
        "parameters": inputs.parameters,
        "artifacts": {key: [artifact.name for artifact in found] for key, found in inputs.artifacts.items()},
        "outputs": json_format.MessageToDict(component.output_definitions),
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
