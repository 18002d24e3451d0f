"""Executes a container task: driver, cache lookup, executor, and further attempts if the job allows them."""

import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.atomicity import write_json
from common.errors import JobError
from pipeline.job.parameters import as_declared, from_text
from pipeline.job.rehearsal import placeholders
from pipeline.job.rehearsal.context import LOG_FILE, Rehearsal, record_of
from pipeline.job.rehearsal.graph import TaskNode
from pipeline.job.rehearsal.inputs import Inputs, cache_key, outputs
from pipeline.job.rehearsal.records import CACHED, FAILED, SUCCEEDED, Artifact, Record

_BACKOFF_FACTOR, _BACKOFF_MAX_SECONDS = 2.0, 3600.0
"""KFP's defaults, for a retry policy without these values."""


class Container:
    """One container task."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        node: TaskNode,
        spec: pb.PipelineDeploymentConfig.PipelineContainerSpec,
        started: float,
    ) -> None:
        """Prepares the task.

        Args:
            rehearsal: What all tasks share.
            node: The task.
            spec: The container to execute.
            started: Seconds since 1970.
        """
        self._rehearsal, self._node, self._spec, self._started = rehearsal, node, spec, started
        self._dir = rehearsal.records.task_dir(rehearsal.id, node.path)
        self._outputs = outputs(node.component, rehearsal.task_root(node.path))
        self._output_file = Path(rehearsal.buckets.local(self._outputs["outputFile"]))

    def execute(self, inputs: Inputs) -> Record:
        """Executes the task, and again after a failure while its retry policy has further attempts.

        Args:
            inputs: The task's inputs.

        Returns:
            The record of the last attempt.
        """
        self._dir.mkdir(parents=True, exist_ok=True)
        retries = self._node.task.retry_policy
        pause = retries.backoff_duration.ToTimedelta().total_seconds()
        longest = retries.backoff_max_duration.ToTimedelta().total_seconds() or _BACKOFF_MAX_SECONDS
        for attempt in range(1, retries.max_retry_count + 2):
            if attempt > 1:
                self._rehearsal.processes.pause(min(pause, longest))
                pause *= retries.backoff_factor or _BACKOFF_FACTOR
            record = self._attempt(inputs, attempt)
            if record.is_good or self._rehearsal.processes.stopped:
                break
        return record

    def _attempt(self, inputs: Inputs, attempt: int) -> Record:
        declared, found = copy.deepcopy(self._outputs), {"started": self._started, "inputs": inputs.names}
        self._output_file.unlink(missing_ok=True)  # left by an earlier attempt
        for output in declared["artifacts"].values():
            # An object store has no folders, so an executor may write to a path whose folder nobody has made.
            Path(self._rehearsal.buckets.local(output["artifacts"][0]["uri"])).parent.mkdir(parents=True, exist_ok=True)
        hook, reported = self._spec.lifecycle.pre_cache_check, {}
        if hook.command:
            status = self._process([*hook.command, *hook.args], inputs, declared, f"driver, attempt {attempt}")
            if status != 0:
                return self._failed("driver", status, attempts=attempt, **found)
            reported = self._read_output()
            inputs = inputs.with_parameters(reported.get("parameterValues", {}))
            _merge(declared["artifacts"], reported.get("artifacts", {}))
        key = None
        if self._node.task.caching_options.enable_cache and self._rehearsal.caching:
            key = cache_key(self._spec, inputs, _metadata(reported.get("artifacts", {})))
            known = self._known(key)
            if known is not None:
                answer = {"artifacts": known.artifacts, "parameters": known.parameters, "written": known.written}
                return self._record(CACHED, makes=False, cache_key=key, cached_from=known.run, **answer, **found)
        status = self._process(
            [*self._spec.command, *self._spec.args], inputs, declared, f"executor, attempt {attempt}"
        )
        if status != 0:
            return self._failed("executor", status, attempts=attempt, **found)
        reported = self._read_output()
        write_json(self._dir / "output.json", reported)
        _merge(declared["artifacts"], reported.get("artifacts", {}))
        artifacts = _artifacts(declared["artifacts"])
        here = self._rehearsal.buckets.local
        return self._record(
            SUCCEEDED,
            cache_key=key,
            attempts=attempt,
            artifacts=artifacts,
            parameters=self._parameters(reported),
            written=[each.uri for made in artifacts.values() for each in made if Path(here(each.uri)).exists()],
            **found,
        )

    def _process(self, command: Sequence[str], inputs: Inputs, declared: Mapping[str, Any], what: str) -> int:
        if not command:
            raise JobError(
                "its container has no command, and the image is not on this machine. Compile the job with a command "
                "for this task."
            )
        values = {"inputs": inputs.as_json(legacy=self._rehearsal.legacy), "outputs": declared}
        write_json(self._dir / "input.json", values)
        here = self._rehearsal.buckets.locally(values)
        constants = self._rehearsal.buckets.locally(self._rehearsal.constants(self._node.path))
        known = (here, constants)
        replaced = [placeholders.replace(self._rehearsal.buckets.local(part), *known) for part in command]
        variables = {
            each.name: placeholders.replace(self._rehearsal.buckets.local(each.value), *known)
            for each in self._spec.env
        }
        log = self._dir / LOG_FILE
        with log.open("a", encoding="utf-8") as file:
            file.write(f"-- {what}: {' '.join(command[:3])} …\n")
        return self._rehearsal.processes.run(replaced, self._dir / "work", log, variables)

    def _known(self, key: str) -> Record | None:
        """An earlier execution to reuse, if its files still exist. Vertex does not check that; the next task fails."""
        for record in self._rehearsal.records.by_cache_key(key):
            if all(Path(self._rehearsal.buckets.local(uri)).exists() for uri in record.written):
                return record
        return None

    def _read_output(self) -> dict[str, Any]:
        """The task's ExecutorOutput as JSON values with gs:// paths; empty if the task has written none.

        Raises:
            JobError: The file is not an ExecutorOutput.
        """
        if not self._output_file.exists():
            return {}
        try:
            output = json_format.Parse(
                self._output_file.read_text(encoding="utf-8"), pb.ExecutorOutput(), ignore_unknown_fields=True
            )
        except (json_format.ParseError, ValueError, RecursionError) as e:
            raise JobError(f"the file that it wrote is not an ExecutorOutput: {e}; see {self._output_file}") from e
        read: dict[str, Any] = self._rehearsal.buckets.remotely(json_format.MessageToDict(output))
        return read

    def _parameters(self, reported: Mapping[str, Any]) -> dict[str, Any]:
        """Output parameters, from the ExecutorOutput or from the files that the executor has written."""
        parameters: dict[str, Any] = {}
        for key, declared in self._node.component.output_definitions.parameters.items():
            file = Path(self._rehearsal.buckets.local(self._outputs["parameters"][key]["outputFile"]))
            if key in reported.get("parameterValues", {}):
                parameters[key] = as_declared(reported["parameterValues"][key], declared)
            elif file.exists():
                try:
                    parameters[key] = from_text(file.read_text(encoding="utf-8"), declared)
                except ValueError as e:
                    raise JobError(f"its output parameter {key!r} is not {e}; see {file}") from e
        return parameters

    def _failed(self, what: str, status: int, **fields: Any) -> Record:
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return self._record(FAILED, reason=f"its {what} {ended}; see {self._dir / LOG_FILE}", **fields)

    def _record(self, state: str, **fields: Any) -> Record:
        return record_of(self._rehearsal, self._node, state, **fields)


def _merge(declared: dict[str, Any], reported: Mapping[str, Any]) -> None:
    """Overwrites the declared artifacts with those that a driver or an executor has reported."""
    for key, output in reported.items():
        if key not in declared or not output.get("artifacts"):
            continue
        known = declared[key]["artifacts"][0]
        declared[key]["artifacts"] = [
            {
                "name": each.get("name") or known["name"],
                "uri": each.get("uri") or known["uri"],
                "type": known["type"],
                "metadata": {**known["metadata"], **each.get("metadata", {})},
            }
            for each in output["artifacts"]
        ]


def _metadata(reported: Mapping[str, Any]) -> dict[str, Any]:
    return {key: [each.get("metadata", {}) for each in output.get("artifacts", [])] for key, output in reported.items()}


def _artifacts(declared: Mapping[str, Any]) -> dict[str, list[Artifact]]:
    now = time.time()
    return {key: [Artifact(**each, created=now) for each in output["artifacts"]] for key, output in declared.items()}
