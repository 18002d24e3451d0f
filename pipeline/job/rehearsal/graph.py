"""Reads the tasks of a job and their dependencies; a DAG inside the job is replaced by its tasks."""

import graphlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.compiled import CompiledJob

_END = "/"
"""Suffix of a path that stands for the end of a DAG; no task's path ends with it."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,127}")
"""The pattern of names that become parts of local paths."""

_PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
"""Vertex's pattern."""

_LONGEST_PAUSE_SECONDS = 24 * 3600
"""The longest pause of a retry policy; Vertex itself waits at most an hour."""


@dataclass(frozen=True)
class TaskNode:
    """One task."""

    path: str
    """Its name, with the names of its outer DAGs in front: `InteractionGen`, or `tfx-dag/InteractionGen`."""

    task: pb.PipelineTaskSpec
    component: pb.ComponentSpec

    parent: str | None
    """The path of the DAG that it is in; None at the top level of the job."""

    needs: tuple[str, ...]
    """Tasks of the same DAG that must end before this one starts."""

    children: tuple[str, ...] = ()
    """The tasks of a DAG; empty for other tasks."""

    @property
    def is_dag(self) -> bool:
        """Whether this is a DAG, which has no executor."""
        return bool(self.children)


class Graph:
    """All tasks of a job, in an order in which they can run."""

    def __init__(self, job: CompiledJob) -> None:
        """Reads the tasks.

        Args:
            job: The job.

        Raises:
            JobError: A task needs one that does not exist, or tasks wait for each other, or the rehearsal does not
                support a kind of task.
        """
        if not _PIPELINE_NAME.fullmatch(job.name):
            raise JobError(
                f"{job.path}: its name is {job.name!r}, but Vertex accepts only names that match "
                f"{_PIPELINE_NAME.pattern}."
            )
        self.nodes = {node.path: node for node in _nodes(job, job.spec.root.dag, None, ())}
        self._sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
        for node in self.nodes.values():
            start = [node.parent] if node.parent else []
            self._sorter.add(node.path, *start, *(self._end(need) for need in node.needs))
            if node.is_dag:
                self._sorter.add(node.path + _END, node.path, *(self._end(child) for child in node.children))
        try:
            self._sorter.prepare()
        except graphlib.CycleError as e:
            raise JobError(f"{job.path}: its tasks wait for each other: {' -> '.join(e.args[1])}") from e

    def ready(self) -> list[str]:
        """Paths that can start now, each returned only once. Some may be the end of a DAG, see `is_end`."""
        return list(self._sorter.get_ready())

    def done(self, path: str) -> None:
        """Marks a path as ended, with success or not."""
        self._sorter.done(path)

    @property
    def is_active(self) -> bool:
        """Whether some paths have not ended yet."""
        return self._sorter.is_active()

    @staticmethod
    def is_end(path: str) -> bool:
        """Whether a path is the end of a DAG."""
        return path.endswith(_END)

    def dag_of_end(self, path: str) -> TaskNode:
        """The DAG that ends here."""
        return self.nodes[path.removesuffix(_END)]

    def _end(self, path: str) -> str:
        return path + _END if self.nodes[path].is_dag else path


def _nodes(job: CompiledJob, dag: pb.DagSpec, parent: str | None, outer: tuple[str, ...]) -> Iterator[TaskNode]:
    for name, task in sorted(dag.tasks.items()):
        path = f"{parent}/{name}" if parent else name
        component = job.component(task)
        _check(job, path, name, task, component)
        if task.component_ref.name in outer:
            raise JobError(f"{job.path}: task {path!r} is inside itself: {' -> '.join(outer)}.")
        needs = sorted(_needs(task))
        for need in needs:
            if need not in dag.tasks:
                raise JobError(
                    f"{job.path}: task {path!r} needs {need!r}, which does not exist; the tasks are "
                    f"{', '.join(sorted(dag.tasks))}."
                )
        inner = component.dag if component.HasField("dag") else pb.DagSpec()
        children = list(_nodes(job, inner, path, (*outer, task.component_ref.name)))
        own = tuple(child.path for child in children if child.parent == path)
        yield TaskNode(path, task, component, parent, tuple(f"{parent}/{n}" if parent else n for n in needs), own)
        yield from children


def _check(job: CompiledJob, path: str, name: str, task: pb.PipelineTaskSpec, component: pb.ComponentSpec) -> None:
    """Refuses what the rehearsal does not support, and names that would lead out of its folders."""
    outputs = component.output_definitions
    for what in (name, *outputs.artifacts, *outputs.parameters):
        if not _NAME.fullmatch(what):
            raise JobError(f"{job.path}: task {path!r} has the name {what!r}; names must match {_NAME.pattern}.")
    if task.WhichOneof("iterator"):
        raise JobError(f"{job.path}: task {path!r} is a loop (ParallelFor), which the rehearsal does not support.")
    retries = task.retry_policy
    pauses = (retries.backoff_duration.seconds, retries.backoff_max_duration.seconds)
    if retries.max_retry_count < 0 or not all(0 <= pause <= _LONGEST_PAUSE_SECONDS for pause in pauses):
        raise JobError(f"{job.path}: task {path!r} has an invalid retry policy: {retries}")
    selected = component.dag.outputs
    producers = {
        selector.producer_subtask for each in selected.artifacts.values() for selector in each.artifact_selectors
    }
    for key, each in selected.parameters.items():
        if each.WhichOneof("kind") != "value_from_parameter":
            raise JobError(
                f"{job.path}: task {path!r} has the output {key!r} of one of several tasks (OneOf), which the "
                "rehearsal does not support."
            )
        producers.add(each.value_from_parameter.producer_subtask)
    missing = sorted(producers - set(component.dag.tasks))
    if missing:
        raise JobError(
            f"{job.path}: task {path!r} has an output of {', '.join(missing)}, which is not one of its tasks."
        )


def _needs(task: pb.PipelineTaskSpec) -> set[str]:
    needs = set(task.dependent_tasks)
    for artifact in task.inputs.artifacts.values():
        needs.add(artifact.task_output_artifact.producer_task)
    for parameter in task.inputs.parameters.values():
        needs.add(parameter.task_output_parameter.producer_task)
        needs.add(parameter.task_final_status.producer_task)
    return needs - {""}
