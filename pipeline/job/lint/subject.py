"""What the rules over a compiled job look at: its tasks with all that is known of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from common.errors import JobError

if TYPE_CHECKING:  # kfp takes a third of a second to import, which every command would wait for
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    from pipeline.job.compiled import CompiledJob

EXECUTOR_FLAG = "--executor_class_path"
"""By which TFX's entry point is told what to run."""


@dataclass(frozen=True)
class Task:
    """One task, of the job's DAG or of a DAG inside it (TFX puts one there for an exit handler)."""

    id: str
    """Its id, after those of the DAGs that it is in: `CsvExampleGen`, or `tfx-dag/CsvExampleGen`."""

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
        """The dotted path of its TFX executor. None: it is not run by TFX's entry point."""
        args = list(self.executor.container.args)
        if EXECUTOR_FLAG not in args[:-1]:
            return None
        return str(args[args.index(EXECUTOR_FLAG) + 1])

    @property
    def constants(self) -> dict[str, Any]:
        """Its parameters that the job itself holds, by name; those of RuntimeParameters by their values there."""
        values: dict[str, Any] = {}
        for name, parameter in self.spec.inputs.parameters.items():
            kind = parameter.runtime_value.WhichOneof("value")
            if kind == "constant":
                values[name] = json_format.MessageToDict(parameter.runtime_value.constant)
            elif kind == "constant_value":  # of pipeline spec 2.0
                value = parameter.runtime_value.constant_value
                values[name] = getattr(value, value.WhichOneof("value") or "string_value")
            elif self.given.get(parameter.component_input_parameter) is not None:
                values[name] = self.given[parameter.component_input_parameter]
        return values


@dataclass(frozen=True)
class JobContext:
    """What is known of a job's submission that the job itself does not say."""

    image_tfx: str | None
    """The TFX line in the tasks' image, such as `1.21`; None if it is not known."""

    has_service_account: bool
    """Whether the submission names the account that tasks run as."""

    workers_share_task_image: bool
    """Whether Dataflow's workers run in the image of the tasks."""


@dataclass(frozen=True)
class Subject:
    """A compiled job, and what is known of its submission."""

    job: "CompiledJob"
    """The job."""

    context: JobContext | None
    """None: rules that need it find nothing."""

    @property
    def is_yaml(self) -> bool:
        """Whether the file is one that Kubeflow Pipelines' own backend takes."""
        return self.job.is_yaml

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, by id, those of inner DAGs included.

        Raises:
            JobError: A task names a component or an executor that the job lacks, or the DAG that it is in.
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
                        f"{self.job.path}: task {id!r} names the component {dag_name!r}, which it is itself in"
                    )
                yield Task(id, spec, component, "", pb.PipelineDeploymentConfig.ExecutorSpec(), given)
                yield from self._tasks(component.dag, f"{id}/", {}, (*inside, dag_name))
            else:
                yield Task(id, spec, component, component.executor_label, self.job.executor(spec), given)
