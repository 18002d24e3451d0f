"""Defines what the rules check in a compiled job: its tasks, with everything that is known about each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from common.errors import JobError

if TYPE_CHECKING:  # kfp takes 0.3 s to import, which would delay every command
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    from pipeline.job.compiled import CompiledJob

EXECUTOR_FLAG = "--executor_class_path"
"""The flag that tells TFX's entry point which executor to run."""


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
