"""Reads a compiled job, as it would be uploaded: the JSON of a PipelineJob, or the YAML of a PipelineSpec.

Both are KFP's protos (https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto); what is in
them is left as it is there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from configs.errors import JobError

MAX_BYTES = 16 * 1024 * 1024
"""Of a job's file. Vertex takes far less; a larger file is something else."""

_READ: dict[int, Callable[[str], Any]] = {
    pb.ParameterType.NUMBER_INTEGER: int,
    pb.ParameterType.NUMBER_DOUBLE: float,
    pb.ParameterType.BOOLEAN: json.loads,
    pb.ParameterType.LIST: json.loads,
    pb.ParameterType.STRUCT: json.loads,
}
_LEGACY_TYPES = {
    pb.PrimitiveType.INT: pb.ParameterType.NUMBER_INTEGER,
    pb.PrimitiveType.DOUBLE: pb.ParameterType.NUMBER_DOUBLE,
}
"""Of schema version 2.0."""


@dataclass(frozen=True)
class Job:
    """A compiled job."""

    path: str
    """Where it was read, for messages."""

    document: dict[str, Any]
    """The file, parsed: a PipelineJob, made from the PipelineSpec where the file is YAML."""

    spec: pb.PipelineSpec
    """Tasks and components."""

    deployment: pb.PipelineDeploymentConfig
    """Executors, by label."""

    runtime: pb.PipelineJob.RuntimeConfig
    """Where it writes, and values of its parameters."""

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.spec.pipeline_info.name

    @property
    def pipeline_root(self) -> str:
        """The place of all artifacts; empty if whoever submits it says so."""
        return self.runtime.gcs_output_directory or self.spec.default_pipeline_root

    @property
    def tfx_version(self) -> str:
        """The version of the TFX that compiled it; empty if another compiler did."""
        compiler, _, version = self.spec.sdk_version.partition("-")
        return version if compiler == "tfx" else ""

    def component(self, task: pb.PipelineTaskSpec) -> pb.ComponentSpec:
        """The component of a task.

        Raises:
            JobError: The job has none of this name.
        """
        name = task.component_ref.name
        if name not in self.spec.components:
            raise JobError(
                f"{self.path}: task {task.task_info.name!r} names the component {name!r}, which is not there"
            )
        return self.spec.components[name]

    def executor(self, task: pb.PipelineTaskSpec) -> pb.PipelineDeploymentConfig.ExecutorSpec:
        """How a task is executed: a container, an importer or a resolver.

        Raises:
            JobError: The job has none for it.
        """
        label = self.component(task).executor_label
        if label not in self.deployment.executors:
            raise JobError(
                f"{self.path}: task {task.task_info.name!r} names the executor {label!r}, which is not there"
            )
        return self.deployment.executors[label]

    @property
    def parameters(self) -> dict[str, Any]:
        """RuntimeParameters and the values that the job itself has for them; None for one that must be given."""
        given = json_format.MessageToDict(self.runtime).get("parameterValues", {})
        legacy = {name: getattr(value, value.WhichOneof("value")) for name, value in self.runtime.parameters.items()}
        declared = {
            name: json_format.MessageToDict(spec.default_value) if spec.HasField("default_value") else None
            for name, spec in self.spec.root.input_definitions.parameters.items()
        }
        return {**declared, **legacy, **given}

    def parameter_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Values of all RuntimeParameters, each of the type that it was declared with.

        Args:
            given: Values that go before the job's own, by name; texts of numbers are taken for numbers.

        Raises:
            JobError: There is no parameter of a name, one has no value, or a value is of another type.
        """
        declared, known = self.spec.root.input_definitions.parameters, self.parameters
        unknown = sorted(set(given) - set(known))
        if unknown:
            there = ", ".join(sorted(known)) or "none"
            raise JobError(f"{self.path}: has no RuntimeParameter {', '.join(unknown)}; it has {there}.")
        values = {**known, **given}
        missing = sorted(name for name, value in values.items() if value is None and not declared[name].is_optional)
        if missing:
            raise JobError(
                f"{self.path}: the RuntimeParameter {', '.join(missing)} has no value and no default; give it by "
                "--parameter NAME=VALUE."
            )
        return {name: self._typed(name, value) for name, value in values.items() if value is not None}

    def _typed(self, name: str, value: Any) -> Any:
        if not isinstance(value, str) or name not in self.spec.root.input_definitions.parameters:
            return value
        declared = self.spec.root.input_definitions.parameters[name]
        kind = declared.parameter_type or _LEGACY_TYPES.get(declared.type, pb.ParameterType.STRING)
        try:
            return _READ[kind](value) if kind in _READ else value
        except ValueError as e:
            wanted = pb.ParameterType.ParameterTypeEnum.Name(kind)
            raise JobError(f"{self.path}: the RuntimeParameter {name} is a {wanted}; received {value!r}.") from e


def read_job(path: str | Path) -> Job:
    """Reads a compiled job.

    Args:
        path: `*.json` or `*.yaml`, as a compiler wrote it.

    Raises:
        JobError: The file is missing, too large, or no compiled job.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise JobError(f"{file}: has {file.stat().st_size} bytes, a compiled job has at most {MAX_BYTES}.")
        text = file.read_text(encoding="utf-8")
        document = yaml.safe_load(text) if file.suffix in (".yaml", ".yml") else json.loads(text)
    except OSError as e:
        raise JobError(f"{file}: cannot be read ({e.strerror}). Compile it: `perennial vertex compile`.") from e
    except (yaml.YAMLError, ValueError) as e:
        raise JobError(f"{file}: is neither JSON nor YAML: {e}") from e
    return parse_job(document, str(file))


def parse_job(document: Any, path: str) -> Job:
    """Parses a compiled job.

    Args:
        document: A PipelineJob or a PipelineSpec, as JSON values.
        path: Where it came from, for messages.

    Raises:
        JobError: It is neither.
    """
    if not isinstance(document, dict) or not ({"pipelineSpec", "pipelineInfo"} & set(document)):
        raise JobError(f"{path}: is no compiled job: it has neither pipelineSpec (Vertex) nor pipelineInfo (KFP).")
    if "pipelineSpec" not in document:
        document = {"displayName": document["pipelineInfo"].get("name", ""), "pipelineSpec": document}
    try:
        # Not the whole as one PipelineJob: the SDKs' own versions of that proto differ, the spec's do not.
        spec = json_format.ParseDict(document["pipelineSpec"], pb.PipelineSpec(), ignore_unknown_fields=True)
        runtime = json_format.ParseDict(
            document.get("runtimeConfig", {}), pb.PipelineJob.RuntimeConfig(), ignore_unknown_fields=True
        )
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec), pb.PipelineDeploymentConfig(), ignore_unknown_fields=True
        )
    except (json_format.ParseError, TypeError, AttributeError) as e:
        raise JobError(f"{path}: is no compiled job: {e}") from e
    if not spec.root.dag.tasks:
        raise JobError(f"{path}: is no compiled job: it has no task.")
    return Job(path, document, spec, deployment, runtime)
