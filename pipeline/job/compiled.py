"""Reads a compiled job in its upload format: the JSON of a PipelineJob, or the YAML of a PipelineSpec.

Both are KFP's protos (https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto). Their
content is not changed, except that null fields are removed: in proto3's JSON, null means "not set".
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from common.yaml_errors import NOT_YAML

FAIL_FAST = "PIPELINE_FAILURE_POLICY_FAIL_FAST"
"""A value of `runtimeConfig.failurePolicy`, a field that Vertex has and KFP's proto does not."""

MAX_BYTES = 16 * 1024 * 1024
"""The largest job file that is read. Vertex takes far less; a larger file is something else."""

_INSIDE_STRUCTS = {
    pb.PipelineJob.DESCRIPTOR.fields_by_name["pipeline_spec"]: pb.PipelineSpec.DESCRIPTOR,
    pb.PipelineSpec.DESCRIPTOR.fields_by_name["deployment_spec"]: pb.PipelineDeploymentConfig.DESCRIPTOR,
}
"""The message inside fields that are a Struct in the proto."""


class _Loader(yaml.SafeLoader):
    """Loads YAML without aliases: a few bytes of aliases can expand to gigabytes, and compilers write none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Does what the base class does, but refuses aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds an alias (*), which no compiler writes")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class CompiledJob:
    """A compiled job."""

    path: str
    """The file that was read, for messages."""

    document: dict[str, Any]
    """The parsed file: a PipelineJob, made from the PipelineSpec if the file is YAML. Null fields are left out."""

    spec: pb.PipelineSpec
    """Tasks and components."""

    deployment: pb.PipelineDeploymentConfig
    """Executors, by label."""

    runtime: pb.PipelineJob.RuntimeConfig
    """Where the job writes, and the values of its parameters."""

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.spec.pipeline_info.name

    @property
    def pipeline_root(self) -> str:
        """The folder of all artifacts; empty if it is set at submission."""
        return self.runtime.gcs_output_directory or self.spec.default_pipeline_root

    @property
    def tfx_version(self) -> str:
        """The version of TFX that compiled the job; empty if another compiler did."""
        compiler, _, version = self.spec.sdk_version.partition("-")
        return version if compiler == "tfx" else ""

    @property
    def is_yaml(self) -> bool:
        """Whether the file is for Kubeflow Pipelines' own backend."""
        return is_yaml(self.path)

    @property
    def fails_fast(self) -> bool:
        """Whether no further task may start after one has failed."""
        return self.document.get("runtimeConfig", {}).get("failurePolicy") == FAIL_FAST

    def component(self, task: pb.PipelineTaskSpec) -> pb.ComponentSpec:
        """The component of a task.

        Raises:
            JobError: The job has no component of this name.
        """
        name = task.component_ref.name
        if name not in self.spec.components:
            raise JobError(
                f"{self.path}: task {task.task_info.name!r} names the component {name!r}, which does not exist"
            )
        return self.spec.components[name]

    def executor(self, task: pb.PipelineTaskSpec) -> pb.PipelineDeploymentConfig.ExecutorSpec:
        """The executor of a task: a container, an importer or a resolver.

        Raises:
            JobError: The job has no executor for the task.
        """
        label = self.component(task).executor_label
        if label not in self.deployment.executors:
            raise JobError(
                f"{self.path}: task {task.task_info.name!r} names the executor {label!r}, which does not exist"
            )
        return self.deployment.executors[label]

    @property
    def parameters(self) -> dict[str, Any]:
        """The RuntimeParameters, with the values that the job itself has; None for one that must be given."""
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
    """Whether a file is for the open-source backend of Kubeflow Pipelines, which reads YAML.

    Args:
        file_name: Name or path of the job's file.
    """
    return file_name.endswith((".yaml", ".yml"))


def read_job(path: str | Path) -> CompiledJob:
    """Reads a compiled job.

    Args:
        path: `*.json` or `*.yaml`, as the compiler wrote it.

    Raises:
        JobError: The file is missing or too large, or it is not a compiled job.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise JobError(f"{file}: has {file.stat().st_size} bytes, but a compiled job has at most {MAX_BYTES}.")
        text = file.read_text(encoding="utf-8")
        # KFP may write a second document, with settings for Kubernetes' pods. Only the first is the job.
        document = next(yaml.load_all(text, _Loader), None) if is_yaml(file.name) else json.loads(text)
    except OSError as e:
        raise JobError(f"{file}: cannot be read ({e.strerror}). Compile it: `perennial vertex compile`.") from e
    except NOT_YAML as e:
        raise JobError(f"{file}: cannot be read as {'YAML' if is_yaml(file.name) else 'JSON'}: {e}") from e
    return parse_job(document, str(file))


def title_of_schema(instance_schema: str, where: str) -> str | None:
    """Reads the title in the schema of an artifact's type; None if it has none.

    Args:
        instance_schema: The schema, as YAML.
        where: What has the type, for messages.

    Raises:
        JobError: The schema is not YAML, or holds an alias.
    """
    try:
        return _title(instance_schema)
    except NOT_YAML as e:
        raise JobError(f"{where}: the type's schema is not YAML: {e}") from e


@functools.lru_cache(maxsize=256)  # the artifacts of a job have a dozen types
def _title(instance_schema: str) -> str | None:
    schema = yaml.load(instance_schema, _Loader)
    return str(schema["title"]) if isinstance(schema, dict) and "title" in schema else None


def parse_job(document: Any, path: str) -> CompiledJob:
    """Parses a compiled job.

    Args:
        document: A PipelineJob or a PipelineSpec, as JSON values.
        path: The file of the job, for messages.

    Raises:
        JobError: The document is neither.
    """
    given = {key for key, value in document.items() if value is not None} if isinstance(document, dict) else set()
    if not {"pipelineSpec", "pipelineInfo"} & given:
        raise JobError(f"{path}: is not a compiled job: it has neither pipelineSpec (Vertex) nor pipelineInfo (KFP).")
    if "pipelineSpec" not in given:
        document = {"pipelineSpec": document}
    try:
        document = _without_nulls(document, pb.PipelineJob.DESCRIPTOR)
        # The parts are parsed one by one: the SDKs have different versions of PipelineJob, but not of PipelineSpec.
        spec = json_format.ParseDict(document["pipelineSpec"], pb.PipelineSpec(), ignore_unknown_fields=True)
        runtime = json_format.ParseDict(
            document.get("runtimeConfig", {}), pb.PipelineJob.RuntimeConfig(), ignore_unknown_fields=True
        )
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec), pb.PipelineDeploymentConfig(), ignore_unknown_fields=True
        )
    except (json_format.ParseError, TypeError, AttributeError, RecursionError) as e:
        raise JobError(f"{path}: is not a compiled job: {e}") from e
    if not isinstance(document.get("labels", {}), dict):
        raise JobError(
            f"{path}: is not a compiled job: its labels are not a mapping. Received: {document['labels']!r}."
        )
    if not spec.root.dag.tasks:
        raise JobError(f"{path}: is not a compiled job: it has no tasks.")
    return CompiledJob(path, document, spec, deployment, runtime)


def _without_nulls(message: Any, kind: Any) -> Any:
    """Removes null fields, labels and runtime parameters from a message, because Google's SDK does not send them.

    Null stays if it is a value, such as a parameter's default. Null as an element of a list, or in place of a task or a
    component, is an error, which parsing finds.

    Args:
        message: The message as JSON values.
        kind: Its descriptor.
    """
    if isinstance(message, list):
        return [_without_nulls(each, kind) for each in message]
    if not isinstance(message, dict) or kind in (Struct.DESCRIPTOR, Value.DESCRIPTOR):
        return message
    if kind.GetOptions().map_entry:
        value_kind = kind.fields_by_name["value"].message_type
        if value_kind in (None, Value.DESCRIPTOR):
            return {key: value for key, value in message.items() if value is not None}
        return {key: _without_nulls(each, value_kind) for key, each in message.items()}
    fields, kept = {**kind.fields_by_name, **kind.fields_by_camelcase_name}, {}
    for name, value in message.items():
        field = fields.get(name)  # None for a field that only Vertex has
        inside = field and _INSIDE_STRUCTS.get(field, field.message_type)
        if value is not None or inside == Value.DESCRIPTOR:
            kept[name] = _without_nulls(value, inside) if inside else value
    return kept
