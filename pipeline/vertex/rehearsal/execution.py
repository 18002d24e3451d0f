"""Executes one task: importer, resolver, or container with its driver, caching and retries."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from configs.errors import JobError
from pipeline.vertex.job import Job
from pipeline.vertex.rehearsal import placeholders, queries
from pipeline.vertex.rehearsal.buckets import Buckets
from pipeline.vertex.rehearsal.graph import Node
from pipeline.vertex.rehearsal.inputs import Inputs, Scope, artifact_name, cache_key, constant, executor_input
from pipeline.vertex.rehearsal.process import Processes
from pipeline.vertex.rehearsal.records import CACHED, FAILED, SUCCEEDED, Artifact, Record, Records, write_json

LOG_FILE = "log.txt"
_TAIL_LINES, _TAIL_BYTES = 30, 16 * 1024
_PROJECT = "rehearsal"
"""In places that on Vertex hold the project's number."""


@dataclass(frozen=True)
class Rehearsal:
    """What all tasks of one rehearsal share."""

    id: str
    job: Job
    buckets: Buckets
    records: Records
    processes: Processes
    caching: bool
    """Whether a task may be answered from an earlier rehearsal, where the job allows it."""

    @property
    def legacy(self) -> bool:
        """Whether the job's schema version is before 2.1, in which parameters have another shape."""
        return self.job.spec.schema_version.startswith("2.0")

    def task_root(self, path: str) -> str:
        """Where a task writes, as Vertex lays it out: `<root>/<project number>/<job>/<task>_<id>`."""
        name = path.replace("/", "_")
        number = artifact_name(f"{self.id}/{path}").rsplit("/", 1)[1]
        return f"{self.job.pipeline_root.rstrip('/')}/{_PROJECT}/{self.id}/{name}_{number}"


def execute(rehearsal: Rehearsal, node: Node, inputs: Inputs, scope: Scope) -> Record:
    """Executes a task to its end.

    Args:
        rehearsal: Everything around it.
        node: The task.
        inputs: Its inputs.
        scope: Of the DAG that it is in.

    Returns:
        Its record, also of a task that failed; it has been written.

    Raises:
        JobError: The job itself is wrong, so that Vertex would not start the task.
    """
    started = time.time()
    executor = rehearsal.job.executor(node.task)
    kind = executor.WhichOneof("spec")
    if kind == "importer":
        artifacts = {key: [_imported(rehearsal, executor.importer, node, key, scope)] for key in _outputs(node)}
        record = _succeeded(rehearsal, node, inputs, started, artifacts)
    elif kind == "resolver":
        record = _succeeded(rehearsal, node, inputs, started, _resolved(rehearsal, executor.resolver, inputs))
    elif kind == "container":
        record = _Container(rehearsal, node, inputs, executor.container, started).execute()
    else:
        raise JobError(f"task {node.path!r}: an executor of the kind {kind!r} is not rehearsed.")
    rehearsal.records.add(record)
    return record


def log_tail(file: Path) -> str:
    """The last lines of a log."""
    if not file.exists():
        return ""
    with file.open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:])


def _outputs(node: Node) -> list[str]:
    return list(node.component.output_definitions.artifacts)


def _imported(
    rehearsal: Rehearsal, importer: pb.PipelineDeploymentConfig.ImporterSpec, node: Node, key: str, scope: Scope
) -> Artifact:
    declared = node.task.inputs.parameters
    values = {**scope.parameters}
    for name, spec in declared.items():  # `artifact_uri.runtime_parameter` names a parameter of the task itself
        kind = spec.WhichOneof("kind")
        if kind == "component_input_parameter":
            values[name] = scope.parameters.get(spec.component_input_parameter)
        elif kind == "runtime_value":
            values[name] = constant(spec.runtime_value, scope.parameters)
    uri = constant(importer.artifact_uri, values)
    if not uri:
        raise JobError(f"task {node.path!r}: the importer has no artifact_uri.")
    title = json_format.MessageToDict(importer.type_schema)
    metadata = json_format.MessageToDict(importer.metadata)
    if not importer.reimport:
        for known in rehearsal.records.newest_artifacts():
            if known.uri == uri and known.type == title and known.metadata == metadata:
                return known
    return Artifact(artifact_name(f"{rehearsal.id}/{node.path}/{key}"), uri, title, metadata, time.time())


def _resolved(
    rehearsal: Rehearsal, resolver: pb.PipelineDeploymentConfig.ResolverSpec, inputs: Inputs
) -> dict[str, list[Artifact]]:
    if any(not artifacts for artifacts in inputs.artifacts.values()):
        return {key: [] for key in resolver.output_artifact_queries}  # what it asks about was not found itself
    known = {
        "inputs": {
            "artifacts": {
                key: {"artifacts": [artifact.as_runtime_artifact() for artifact in artifacts]}
                for key, artifacts in inputs.artifacts.items()
            },
            "parameterValues": inputs.parameters,
        }
    }
    return {
        key: queries.newest(
            rehearsal.records.newest_artifacts(), placeholders.replace(query.filter, known, {}), query.limit or 1
        )
        for key, query in resolver.output_artifact_queries.items()
    }


def _succeeded(
    rehearsal: Rehearsal, node: Node, inputs: Inputs, started: float, artifacts: dict[str, list[Artifact]]
) -> Record:
    return Record(
        rehearsal.id,
        node.path,
        SUCCEEDED,
        started=started,
        ended=time.time(),
        inputs=_names(inputs),
        artifacts=artifacts,
    )


def _names(inputs: Inputs) -> dict[str, list[str]]:
    return {key: [artifact.name for artifact in found] for key, found in inputs.artifacts.items()}


class _Container:
    """One container task."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        node: Node,
        inputs: Inputs,
        spec: pb.PipelineDeploymentConfig.PipelineContainerSpec,
        started: float,
    ) -> None:
        self._rehearsal, self._node, self._inputs, self._spec, self._started = rehearsal, node, inputs, spec, started
        self._dir = rehearsal.records.task_dir(rehearsal.id, node.path)
        self._root = rehearsal.task_root(node.path)
        self._output_file = Path(rehearsal.buckets.local(f"{self._root}/executor_output.json"))

    def execute(self) -> Record:
        self._dir.mkdir(parents=True, exist_ok=True)
        retries = self._node.task.retry_policy
        pause = retries.backoff_duration.ToTimedelta().total_seconds()
        longest = retries.backoff_max_duration.ToTimedelta().total_seconds()
        for attempt in range(1, retries.max_retry_count + 2):
            if attempt > 1:
                self._rehearsal.processes.pause(min(pause, longest) if longest else pause)
                pause *= retries.backoff_factor or 1.0
            record = self._attempt(attempt)
            if record.is_good:
                break
        return record

    def _attempt(self, attempt: int) -> Record:
        """Driver, cache, executor, as one attempt."""
        key = None
        values = executor_input(self._inputs, self._node.component, self._root, legacy=self._rehearsal.legacy)
        hook = self._spec.lifecycle.pre_cache_check
        for output in values["outputs"]["artifacts"].values():
            # An object store knows no folders, so executors may write below a place that was never made.
            Path(self._rehearsal.buckets.local(output["artifacts"][0]["uri"])).parent.mkdir(parents=True, exist_ok=True)
        if hook.command:
            status = self._process([*hook.command, *hook.args], values, attempt, "driver")
            if status != 0:
                return self._failed(attempt, status, "driver")
            self._inputs.add(self._read_output().get("parameterValues", {}))
        if self._node.task.caching_options.enable_cache and self._rehearsal.caching:
            key = cache_key(self._spec, self._inputs, self._node.component)
            known = self._known(key)
            if known is not None:
                return self._record(CACHED, key, 0, known.artifacts, known.parameters, cached_from=known.run)
        status = self._process([*self._spec.command, *self._spec.args], values, attempt, "executor")
        if status != 0:
            return self._failed(attempt, status, "executor")
        output = self._read_output()
        write_json(self._dir / "output.json", output)
        return self._record(SUCCEEDED, key, attempt, self._artifacts(values, output), self._parameters(values, output))

    def _process(self, command: list[str], values: dict[str, Any], attempt: int, what: str) -> int:
        write_json(self._dir / "input.json", values)
        buckets = self._rehearsal.buckets
        here = json.loads(buckets.local(json.dumps(values)))
        constants = {
            "pipeline_job_name": self._rehearsal.id,
            "pipeline_job_resource_name": f"projects/{_PROJECT}/locations/local/pipelineJobs/{self._rehearsal.id}",
            "pipeline_job_uuid": self._rehearsal.id,
            "pipeline_task_name": self._node.task.task_info.name,
            "pipeline_task_uuid": self._root.rsplit("_", 1)[1],
            "pipeline_root": buckets.local(self._rehearsal.job.pipeline_root),
        }
        replaced = [placeholders.replace(buckets.local(part), here, constants) for part in command]
        if not replaced:
            raise JobError(f"task {self._node.path!r}: its container has no command, and the image is not here.")
        log = self._dir / LOG_FILE
        with log.open("a", encoding="utf-8") as file:
            file.write(f"-- {what}, attempt {attempt}: {' '.join(command[:3])} …\n")
        return self._rehearsal.processes.run(replaced, self._dir / "work", log)

    def _known(self, key: str) -> Record | None:
        """An execution to answer with. On Vertex its files may be gone, which only the next task finds out."""
        for record in self._rehearsal.records.by_cache_key(key):
            uris = [artifact.uri for artifacts in record.artifacts.values() for artifact in artifacts]
            if all(Path(self._rehearsal.buckets.local(uri)).exists() for uri in uris):
                return record
        return None

    def _read_output(self) -> dict[str, Any]:
        if not self._output_file.exists():
            return {}
        text = self._rehearsal.buckets.remote(self._output_file.read_text(encoding="utf-8"))
        output = json_format.Parse(text, pb.ExecutorOutput(), ignore_unknown_fields=True)
        return json_format.MessageToDict(output)

    def _artifacts(self, values: dict[str, Any], output: dict[str, Any]) -> dict[str, list[Artifact]]:
        """What was declared, with what the executor says of it."""
        artifacts = {}
        for key, declared in values["outputs"]["artifacts"].items():
            told = output.get("artifacts", {}).get(key, {}).get("artifacts") or declared["artifacts"]
            artifacts[key] = [
                Artifact(
                    name=artifact.get("name") or declared["artifacts"][0]["name"],
                    uri=artifact.get("uri") or declared["artifacts"][0]["uri"],
                    type=declared["artifacts"][0]["type"],
                    metadata=artifact.get("metadata", declared["artifacts"][0]["metadata"]),
                    created=time.time(),
                )
                for artifact in told
            ]
        return artifacts

    def _parameters(self, values: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
        parameters = {**output.get("parameters", {}), **output.get("parameterValues", {})}
        for key, place in values["outputs"]["parameters"].items():
            file = Path(self._rehearsal.buckets.local(place["outputFile"]))
            if key not in parameters and file.exists():
                parameters[key] = file.read_text(encoding="utf-8")
        return parameters

    def _failed(self, attempt: int, status: int, what: str) -> Record:
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return self._record(FAILED, None, attempt, {}, {}, reason=f"its {what} {ended}; see {self._dir / LOG_FILE}")

    def _record(
        self,
        state: str,
        key: str | None,
        attempts: int,
        artifacts: dict[str, list[Artifact]],
        parameters: dict[str, Any],
        reason: str = "",
        cached_from: str | None = None,
    ) -> Record:
        return Record(
            self._rehearsal.id,
            self._node.path,
            state,
            cache_key=key,
            started=self._started,
            ended=time.time(),
            attempts=attempts,
            cached_from=cached_from,
            reason=reason,
            inputs=_names(self._inputs),
            artifacts=artifacts,
            parameters=parameters,
        )
