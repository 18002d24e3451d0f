"""Defines what the rules check in a compiled job: its tasks, with everything that is known about each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from common.errors import JobError
from pipeline.job.compiled import title_of_schema
from pipeline.job.lint.importable import not_importable

if TYPE_CHECKING:  # kfp takes 0.3 s to import, which would delay every command
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    from pipeline.job.compiled import CompiledJob

EXECUTOR_FLAG = "--executor_class_path"
"""The flag that tells TFX's entry point which executor to run."""

MAIN = "__main__"
"""The module of a notebook or script."""

TITLE = re.compile(r"[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}")
"""The pattern of `tfx.orchestration.kubeflow.v2.compiler_utils`, where it is private."""

OWN = "tfx."
"""Prefix of the titles that TFX has a table for."""


@dataclass(frozen=True)
class Task:
    """One task, of the job's DAG or of a DAG inside it (TFX puts one there for an exit handler)."""

    id: str
    """Its id, with the ids of its outer DAGs in front: `CsvExampleGen`, or `tfx-dag/CsvExampleGen`."""

    spec: "pb.PipelineTaskSpec"
    """Where its inputs come from, and whether it is cached."""

    component: "pb.ComponentSpec"
    """Its inputs and outputs."""

    label: str
    """Its executor's label; empty for a DAG."""

    executor: "pb.PipelineDeploymentConfig.ExecutorSpec"
    """How it is executed; empty for a DAG."""

    given: Mapping[str, Any]
    """The job's RuntimeParameters, by name; None for one without a value."""

    @property
    def executor_class(self) -> str | None:
        """The dotted path of its TFX executor. None: TFX's entry point does not run the task."""
        args = list(self.executor.container.args)
        if EXECUTOR_FLAG not in args[:-1]:
            return None
        return str(args[args.index(EXECUTOR_FLAG) + 1])

    @property
    def constants(self) -> dict[str, Any]:
        """Its parameters whose values the job holds, by name, including the values of RuntimeParameters."""
        values: dict[str, Any] = {}
        for name, parameter in self.spec.inputs.parameters.items():
            kind = parameter.runtime_value.WhichOneof("value")
            if kind == "constant":
                values[name] = json_format.MessageToDict(parameter.runtime_value.constant)
            elif kind == "constant_value":  # in pipeline spec 2.0
                value = parameter.runtime_value.constant_value
                values[name] = getattr(value, value.WhichOneof("value") or "string_value")
            elif self.given.get(parameter.component_input_parameter) is not None:
                values[name] = self.given[parameter.component_input_parameter]
        return values


@dataclass(frozen=True)
class JobContext:
    """What is known about a job's submission, beyond the job itself."""

    image_tfx: str | None
    """The TFX line in the tasks' image, such as `1.21`; None if unknown."""

    has_service_account: bool
    """Whether the submission names the account that tasks run as."""

    workers_share_task_image: bool
    """Whether Dataflow's workers run in the image of the tasks."""


@dataclass(frozen=True)
class Subject:
    """A compiled job, and what is known about its submission."""

    job: "CompiledJob"
    """The job."""

    context: JobContext | None
    """What is known about the submission. None: rules that need it find nothing."""

    @property
    def is_yaml(self) -> bool:
        """Whether the file is for Kubeflow Pipelines' own backend."""
        return self.job.is_yaml

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, sorted by id, including those of inner DAGs.

        Raises:
            JobError: A task names a component or an executor that the job does not have, or a DAG that the task is in.
        """
        return tuple(self._tasks(self.job.spec.root.dag, "", self.job.parameters, ()))

    @cached_property
    def titles(self) -> Mapping[str, Mapping[str, str]]:
        """The titles of the artifact types of each task that TFX runs.

        By the task's id, then by `input` or `output` and the artifact's key, such as `output model`.

        Raises:
            JobError: A type's schema cannot be read.
        """
        titles = {}
        for task in self.tasks:
            if task.executor_class is not None:
                definitions = {"input": task.component.input_definitions, "output": task.component.output_definitions}
                titles[task.id] = {
                    f"{side} {key}": _title(artifact.artifact_type, f"{self.job.path}: task {task.id}, {side} {key}")
                    for side, definition in definitions.items()
                    for key, artifact in sorted(definition.artifacts.items())
                }
        return titles

    @cached_property
    def not_importable(self) -> Mapping[str, str]:
        """What TFX's entry point imports by a dotted path and cannot: executors and artifact types, with the reasons.

        One interpreter looks up all of them, as most of the time goes into its start.

        Raises:
            JobError: A type's schema cannot be read, or the interpreter did not answer.
        """
        executors = {task.executor_class for task in self.tasks if task.executor_class}
        types = {title for titles in self.titles.values() for title in titles.values() if not title.startswith(OWN)}
        return not_importable(
            [
                *(path for path in executors if path.partition(".")[0] != MAIN),
                *(title for title in types if TITLE.fullmatch(title)),
            ]
        )

    def _tasks(
        self, dag: "pb.DagSpec", before: str, given: Mapping[str, Any], inside: tuple[str, ...]
    ) -> Iterator[Task]:
        from kfp.pipeline_spec import pipeline_spec_pb2 as pb

        for name, spec in sorted(dag.tasks.items()):
            id = before + name
            component = self.job.component(spec)
            if component.HasField("dag"):
                dag_name = spec.component_ref.name
                if dag_name in inside:
                    raise JobError(
                        f"{self.job.path}: task {id!r} names the component {dag_name!r}, which contains the task itself"
                    )
                yield Task(id, spec, component, "", pb.PipelineDeploymentConfig.ExecutorSpec(), given)
                yield from self._tasks(component.dag, f"{id}/", {}, (*inside, dag_name))
            else:
                yield Task(id, spec, component, component.executor_label, self.job.executor(spec), given)


def _title(artifact_type: "pb.ArtifactTypeSchema", where: str) -> str:
    """The title of a type, read as TFX's entry point reads it; `tfx.Artifact` if the type has none."""
    if artifact_type.WhichOneof("kind") == "schema_title":
        return str(artifact_type.schema_title)
    title = title_of_schema(artifact_type.instance_schema, where)
    return "tfx.Artifact" if title is None else title
