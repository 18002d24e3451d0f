"""The tasks of a job and what each waits for; a task that is a DAG itself is taken apart into its own."""

import graphlib
from collections.abc import Iterator
from dataclasses import dataclass

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from configs.errors import JobError
from pipeline.vertex.job import Job

_END = "/"
"""What a DAG's end is called, after its path: no task's path ends so."""


@dataclass(frozen=True)
class Node:
    """One task."""

    path: str
    """Its name, after those of the DAGs that it is in: `InteractionGen`, or `tfx-dag/InteractionGen`."""

    task: pb.PipelineTaskSpec
    component: pb.ComponentSpec

    parent: str | None
    """The DAG that it is in; None for the job itself."""

    needs: tuple[str, ...]
    """Tasks of the same DAG that must have ended."""

    children: tuple[str, ...] = ()
    """Of a DAG, its tasks."""

    @property
    def is_dag(self) -> bool:
        """Whether it is a DAG, which has no executor."""
        return bool(self.children)


class Graph:
    """All tasks of a job, in an order in which they can run."""

    def __init__(self, job: Job) -> None:
        """Reads the tasks.

        Args:
            job: The job.

        Raises:
            JobError: A task needs one that is not there, or itself in the end; or it is of a kind that is not
                rehearsed.
        """
        self.nodes = {node.path: node for node in _nodes(job, job.spec.root.dag, None)}
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
        """Paths whose turn has come; the end of a DAG among them, by `is_end`. Each is given once."""
        return list(self._sorter.get_ready())

    def done(self, path: str) -> None:
        """Says that a path has ended, however."""
        self._sorter.done(path)

    @property
    def is_active(self) -> bool:
        """Whether there is anything left."""
        return self._sorter.is_active()

    @staticmethod
    def is_end(path: str) -> bool:
        """Whether this is the end of a DAG."""
        return path.endswith(_END)

    def dag_of_end(self, path: str) -> Node:
        """The DAG that ends here."""
        return self.nodes[path.removesuffix(_END)]

    def _end(self, path: str) -> str:
        return path + _END if self.nodes[path].is_dag else path


def _nodes(job: Job, dag: pb.DagSpec, parent: str | None) -> Iterator[Node]:
    for name, task in sorted(dag.tasks.items()):
        path = f"{parent}/{name}" if parent else name
        component = job.component(task)
        if task.WhichOneof("iterator"):
            raise JobError(f"{job.path}: task {path!r} is a loop (ParallelFor), which the rehearsal does not have.")
        needs = sorted(_needs(task))
        for need in needs:
            if need not in dag.tasks:
                raise JobError(
                    f"{job.path}: task {path!r} needs {need!r}, which is not there; there are "
                    f"{', '.join(sorted(dag.tasks))}."
                )
        children = list(_nodes(job, component.dag, path)) if component.HasField("dag") else []
        own = tuple(child.path for child in children if child.parent == path)
        yield Node(path, task, component, parent, tuple(f"{parent}/{n}" if parent else n for n in needs), own)
        yield from children


def _needs(task: pb.PipelineTaskSpec) -> set[str]:
    needs = set(task.dependent_tasks)
    for artifact in task.inputs.artifacts.values():
        needs.add(artifact.task_output_artifact.producer_task)
    for parameter in task.inputs.parameters.values():
        needs.add(parameter.task_output_parameter.producer_task)
        needs.add(parameter.task_final_status.producer_task)
    return needs - {""}
