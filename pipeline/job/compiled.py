"""Reads a compiled job, as it would be uploaded: the JSON of a PipelineJob, or the YAML of a PipelineSpec.

Both are KFP's protos (https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto); what is in
them is left as it is there, but for fields that are null: in proto3's JSON they are not set.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError

FAIL_FAST = "PIPELINE_FAILURE_POLICY_FAIL_FAST"
"""`runtimeConfig.failurePolicy`, which is Vertex's and not in KFP's proto."""

MAX_BYTES = 16 * 1024 * 1024
"""Of a job's file. Vertex takes far less; a larger file is something else."""

_INSIDE_STRUCTS = {
    pb.PipelineJob.DESCRIPTOR.fields_by_name["pipeline_spec"]: pb.PipelineSpec.DESCRIPTOR,
    pb.PipelineSpec.DESCRIPTOR.fields_by_name["deployment_spec"]: pb.PipelineDeploymentConfig.DESCRIPTOR,
}
"""What fields hold that are a Struct in the proto."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few bytes of them stand for gigabytes, and compilers write none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As the base class, but for aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds an alias (*), which no compiler writes")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class CompiledJob:
    """A compiled job."""

    path: str
    """Where it was read, for messages."""

    document: dict[str, Any]
    """The file, parsed: a PipelineJob, made from the PipelineSpec where the file is YAML. Fields that are null are left
    out."""

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

    @property
    def is_yaml(self) -> bool:
        """Whether the file is one that Kubeflow Pipelines' own backend takes."""
        return is_yaml(self.path)

    @property
    def fails_fast(self) -> bool:
        """Whether no further task is to start after one has failed."""
        return self.document.get("runtimeConfig", {}).get("failurePolicy") == FAIL_FAST

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
        legacy = {
            name: getattr(value, value.WhichOneof("value") or "string_value")
            for name, value in self.runtime.parameters.items()
        }
        declared = {
            name: json_format.MessageToDict(spec.default_value) if spec.HasField("default_value") else None
            for name, spec in self.spec.root.input_definitions.parameters.items()
        }
        return {**declared, **legacy, **given}


def is_yaml(file_name: str) -> bool:
    """Whether a job of this name is for the open-source backend of Kubeflow Pipelines, whose format YAML is.

    Args:
        file_name: Name or path.
    """
    return file_name.endswith((".yaml", ".yml"))


def read_job(path: str | Path) -> CompiledJob:
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
        # A second document of KFP's says how Kubernetes is to treat the pods.
        document = next(yaml.load_all(text, _Loader), None) if is_yaml(file.name) else json.loads(text)
    except OSError as e:
        raise JobError(f"{file}: cannot be read ({e.strerror}). Compile it: `perennial vertex compile`.") from e
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise JobError(f"{file}: cannot be read as {'YAML' if is_yaml(file.name) else 'JSON'}: {e}") from e
    return parse_job(document, str(file))


def parse_job(document: Any, path: str) -> CompiledJob:
    """Parses a compiled job.

    Args:
        document: A PipelineJob or a PipelineSpec, as JSON values.
        path: Where it came from, for messages.

    Raises:
        JobError: It is neither.
    """
    given = {key for key, value in document.items() if value is not None} if isinstance(document, dict) else set()
    if not {"pipelineSpec", "pipelineInfo"} & given:
        raise JobError(f"{path}: is no compiled job: it has neither pipelineSpec (Vertex) nor pipelineInfo (KFP).")
    if "pipelineSpec" not in given:
        document = {"pipelineSpec": document}
    try:
        document = _without_nulls(document, pb.PipelineJob.DESCRIPTOR)
        # Not the whole as one PipelineJob: the SDKs' own versions of that proto differ, the spec's do not.
        spec = json_format.ParseDict(document["pipelineSpec"], pb.PipelineSpec(), ignore_unknown_fields=True)
        runtime = json_format.ParseDict(
            document.get("runtimeConfig", {}), pb.PipelineJob.RuntimeConfig(), ignore_unknown_fields=True
        )
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec), pb.PipelineDeploymentConfig(), ignore_unknown_fields=True
        )
    except (json_format.ParseError, TypeError, AttributeError, RecursionError) as e:
        raise JobError(f"{path}: is no compiled job: {e}") from e
    if not isinstance(document.get("labels", {}), dict):
        raise JobError(f"{path}: is no compiled job: its labels are no mapping. Received: {document['labels']!r}.")
    if not spec.root.dag.tasks:
        raise JobError(f"{path}: is no compiled job: it has no task.")
    return CompiledJob(path, document, spec, deployment, runtime)


def _without_nulls(message: Any, kind: Any) -> Any:
    """A message without its fields that are null, nor labels and runtime parameters that are: Google's SDK sends none.

    Where null is a value, such as a parameter's default, it stays. As an element of a list, or in place of a task or a
    component, it is an error, which parsing finds.

    Args:
        message: The message as JSON values.
        kind: Its descriptor.
    """
    if isinstance(message, list):
        return [_without_nulls(each, kind) for each in message]
    if not isinstance(message, dict) or kind in (Struct.DESCRIPTOR, Value.DESCRIPTOR):
        return message
    if kind.GetOptions().map_entry:
        of_entry = kind.fields_by_name["value"].message_type
        if of_entry in (None, Value.DESCRIPTOR):
            return {key: value for key, value in message.items() if value is not None}
        return {key: _without_nulls(each, of_entry) for key, each in message.items()}
    fields, kept = {**kind.fields_by_name, **kind.fields_by_camelcase_name}, {}
    for name, value in message.items():
        field = fields.get(name)  # None for one that only Vertex knows
        inside = field and _INSIDE_STRUCTS.get(field, field.message_type)
        if value is not None or inside == Value.DESCRIPTOR:
            kept[name] = _without_nulls(value, inside) if inside else value
    return kept
