"""Makes the ExecutorInput of a task, by which Vertex replaces `{{$}}`."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.parameters import as_declared
from pipeline.job.rehearsal import placeholders
from pipeline.job.rehearsal.records import Artifact, Record

_RESOURCE = "projects/rehearsal/locations/local/metadataStores/default/artifacts/"


@dataclass(frozen=True)
class Scope:
    """The inputs of a DAG, which its tasks can use."""

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, list[Artifact]] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """Values of one task's inputs."""

    component: pb.ComponentSpec
    parameters: Mapping[str, Any]
    artifacts: Mapping[str, list[Artifact]]

    def with_parameters(self, more: Mapping[str, Any]) -> "Inputs":
        """These inputs, with the parameters that a driver has reported."""
        declared = self.component.input_definitions.parameters
        typed = {key: as_declared(value, declared[key]) if key in declared else value for key, value in more.items()}
        return Inputs(self.component, {**self.parameters, **typed}, self.artifacts)

    def as_json(self, *, legacy: bool = False) -> dict[str, Any]:
        """The inputs of an ExecutorInput, as JSON values.

        Args:
            legacy: Whether the job's schema version is 2.0, whose parameters have another form.
        """
        parameters = (
            {"parameters": {key: _legacy(value) for key, value in self.parameters.items()}}
            if legacy
            else {"parameterValues": dict(self.parameters)}
        )
        artifacts = {
            key: {"artifacts": [artifact.as_runtime_artifact() for artifact in found]}
            for key, found in self.artifacts.items()
        }
        return {**parameters, "artifacts": artifacts}

    @property
    def names(self) -> dict[str, list[str]]:
        """Names of the artifacts of each input."""
        return {key: [artifact.name for artifact in found] for key, found in self.artifacts.items()}


def look_up(
    task: pb.PipelineTaskSpec,
    component: pb.ComponentSpec,
    scope: Scope,
    ended: Mapping[str, Record],
    final_status: Callable[[str], Any],
    constants: Mapping[str, str],
) -> Inputs:
    """Looks up every input of a task.

    Args:
        task: The task's spec, which names the source of each input.
        component: The component's spec, which declares the inputs and their defaults.
        scope: The scope of the DAG that the task is in.
        ended: Records of the DAG's tasks, by name.
        final_status: Maps a task's name to its PipelineTaskFinalStatus as JSON values.
        constants: Values of placeholders, such as `pipeline_job_name`.

    Raises:
        JobError: A parameter has no value.
    """
    artifacts = {key: _artifacts(spec, scope, ended) for key, spec in task.inputs.artifacts.items()}
    for key in component.input_definitions.artifacts:
        artifacts.setdefault(key, [])
    parameters: dict[str, Any] = {}
    for key, declared in component.input_definitions.parameters.items():
        value = None
        if key in task.inputs.parameters:
            value = _parameter(task.inputs.parameters[key], scope, ended, final_status)
        if value is None and declared.HasField("default_value"):
            value = json_format.MessageToDict(declared.default_value)
        if value is not None:
            parameters[key] = as_declared(value, declared)
        elif not declared.is_optional:
            raise JobError(f"the parameter {key!r} has neither value nor default. Give it one in the pipeline.")
    inputs = Inputs(component, parameters, artifacts)
    for key, spec in task.inputs.parameters.items():
        value = parameters.get(key)
        # Only in a constant of the job: the output of a task is data, in which nothing is replaced.
        if spec.WhichOneof("kind") == "runtime_value" and isinstance(value, str) and "{{$" in value:
            parameters[key] = placeholders.replace(value, {"inputs": inputs.as_json()}, constants)
    return inputs


def constant(value: pb.ValueOrRuntimeParameter, parameters: Mapping[str, Any]) -> Any:
    """The value of a constant or of a RuntimeParameter; None if it has none.

    Args:
        value: The value's spec in the job.
        parameters: Values of the job's parameters.
    """
    kind = value.WhichOneof("value")
    if kind == "constant":
        return json_format.MessageToDict(value.constant)
    if kind == "constant_value":
        which = value.constant_value.WhichOneof("value")
        return getattr(value.constant_value, which) if which else None
    return parameters.get(value.runtime_parameter)


def outputs(component: pb.ComponentSpec, task_root: str) -> dict[str, Any]:
    """The outputs of an ExecutorInput, as JSON values, with new artifacts.

    Args:
        component: The component's spec, which declares the outputs.
        task_root: The folder of everything that the task writes, `gs://…`.
    """
    declared = component.output_definitions
    return {
        "artifacts": {
            key: {
                "artifacts": [
                    {
                        "name": artifact_name(f"{task_root}/{key}"),
                        "uri": f"{task_root}/{key}",
                        "type": json_format.MessageToDict(output.artifact_type),
                        "metadata": json_format.MessageToDict(output.metadata),
                    }
                ]
            }
            for key, output in declared.artifacts.items()
        },
        "parameters": {key: {"outputFile": f"{task_root}/{key}"} for key in declared.parameters},
        "outputFile": f"{task_root}/executor_output.json",
    }


def artifact_name(uri: str) -> str:
    """The resource name of the artifact with this URI; it ends with a number, as on Vertex."""
    return _RESOURCE + str(int(hashlib.sha256(uri.encode()).hexdigest()[:15], 16))


def cache_key(
    container: pb.PipelineDeploymentConfig.PipelineContainerSpec, inputs: Inputs, driver_metadata: Mapping[str, Any]
) -> str:
    """The key by which Vertex recognises an execution: image, command, arguments, inputs, declared outputs.

    Source: https://cloud.google.com/vertex-ai/docs/pipelines/configure-caching.

    Args:
        container: The container to execute.
        inputs: Values of its inputs.
        driver_metadata: Metadata of the outputs that its driver has reported, before the executor runs.

    Returns:
        64 hexadecimal digits.
    """
    known = {
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "env": {variable.name: variable.value for variable in container.env},
        "parameters": dict(inputs.parameters),
        "artifacts": inputs.names,
        "outputs": json_format.MessageToDict(inputs.component.output_definitions),
        "driver": driver_metadata,
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _artifacts(spec: pb.TaskInputsSpec.InputArtifactSpec, scope: Scope, ended: Mapping[str, Record]) -> list[Artifact]:
    if spec.WhichOneof("kind") == "component_input_artifact":
        return list(scope.artifacts.get(spec.component_input_artifact, []))
    source = spec.task_output_artifact
    return ended[source.producer_task].artifacts.get(source.output_artifact_key, [])


def _parameter(
    spec: pb.TaskInputsSpec.InputParameterSpec,
    scope: Scope,
    ended: Mapping[str, Record],
    final_status: Callable[[str], Any],
) -> Any:
    kind = spec.WhichOneof("kind")
    if kind == "component_input_parameter":
        return scope.parameters.get(spec.component_input_parameter)
    if kind == "task_output_parameter":
        source = spec.task_output_parameter
        return ended[source.producer_task].parameters.get(source.output_parameter_key)
    if kind == "task_final_status":
        return final_status(spec.task_final_status.producer_task)
    return constant(spec.runtime_value, scope.parameters)


def _legacy(value: Any) -> dict[str, Any]:
    """A Value of pipeline spec 2.0."""
    if isinstance(value, (bool, int)):
        return {"intValue": int(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}
