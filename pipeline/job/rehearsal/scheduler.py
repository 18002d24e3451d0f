"""Runs the tasks of a job in dependency order, and independent tasks in parallel."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.rehearsal import conditions
from pipeline.job.rehearsal.context import Rehearsal, record_of
from pipeline.job.rehearsal.execution import execute
from pipeline.job.rehearsal.graph import Graph, TaskNode
from pipeline.job.rehearsal.inputs import Inputs, Scope, look_up
from pipeline.job.rehearsal.records import FAILED, NOT_RUN, SKIPPED, SUCCEEDED, Record

_COMPLETED = pb.PipelineTaskSpec.TriggerPolicy.ALL_UPSTREAM_TASKS_COMPLETED
_FAST = "another task failed, and the failure policy is fast"
_STATES = {FAILED: "FAILED", NOT_RUN: "FAILED", SKIPPED: "SKIPPED"}


class Scheduler:
    """One run through a job's tasks."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        graph: Graph,
        parameters: dict[str, Any],
        parallel: int,
        *,
        started: Callable[[str], None] = lambda path: None,
        ended: Callable[[Record], None] = lambda record: None,
    ) -> None:
        """Prepares the run.

        Args:
            rehearsal: What the tasks share.
            graph: The job's graph, which can be run only once.
            parameters: Values of the job's parameters.
            parallel: How many tasks may run at once.
            started: Called with the path of a task that starts.
            ended: Called with the record of a task that has ended.
        """
        self._rehearsal, self._graph, self._parallel = rehearsal, graph, parallel
        self._started, self._ended = started, ended
        self._scopes: dict[str | None, Scope] = {None: Scope(parameters)}
        self._records: dict[str, Record] = {}
        self._has_failed = threading.Event()

    def run(self) -> dict[str, Record]:
        """Runs everything that can run.

        Returns:
            Records by path, including those of DAGs.
        """
        running: dict[Future[Record], TaskNode] = {}
        is_over = False
        with ThreadPoolExecutor(self._parallel) as pool:
            try:
                while self._graph.is_active:
                    for path in self._graph.ready():
                        self._start(path, pool, running)
                    if running:
                        done, _ = wait(running, return_when=FIRST_COMPLETED)
                        for future in done:
                            running.pop(future)
                            self._close(future.result())
                is_over = True
            finally:
                if not is_over:  # as after Ctrl-C: no process may outlive this one, and the pool waits for them
                    self._rehearsal.processes.stop()
                    for future in running:
                        future.cancel()
        return self._records

    def _start(self, path: str, pool: ThreadPoolExecutor, running: dict[Future[Record], TaskNode]) -> None:
        if self._graph.is_end(path):
            dag = self._graph.dag_of_end(path)
            if dag.path not in self._records:
                self._records[dag.path] = self._of_dag(dag)
            self._graph.done(path)
            return
        node = self._graph.nodes[path]
        why_not = self._why_not(node)
        if why_not is not None:
            self._close(self._without(node, *why_not))
            return
        scope = self._scopes[node.parent]
        try:
            inputs = look_up(
                node.task,
                node.component,
                scope,
                self._named(node.needs),
                self._final_status,
                self._rehearsal.constants(path),
            )
            condition = node.task.trigger_policy.condition
            runs = not condition or conditions.holds(
                condition, {"inputs": inputs.as_json(legacy=self._rehearsal.legacy)}
            )
        except JobError as e:  # only this task fails, as on Vertex
            self._close(record_of(self._rehearsal, node, FAILED, reason=str(e)))
            return
        if not runs:
            self._close(self._without(node, SKIPPED, f"its condition does not hold: {condition}"))
        elif node.is_dag:
            self._scopes[path] = Scope(inputs.parameters, inputs.artifacts)
            self._graph.done(path)  # its tasks may start; its record follows at its end
        else:
            running[pool.submit(self._execute, node, inputs, scope)] = node

    def _execute(self, node: TaskNode, inputs: Inputs, scope: Scope) -> Record:
        if self._rehearsal.job.fails_fast and self._has_failed.is_set():  # while this task waited in the pool
            return self._without(node, NOT_RUN, _FAST)
        self._started(node.path)
        record = execute(self._rehearsal, node, inputs, scope)
        if record.state == FAILED:
            self._has_failed.set()  # set here, before the next task takes this worker
        return record

    def _close(self, record: Record) -> None:
        self._records[record.task] = record
        if record.state == FAILED:
            self._has_failed.set()
        self._ended(record)
        self._graph.done(record.task)

    def _why_not(self, node: TaskNode) -> tuple[str, str] | None:
        """State and reason of a task that must not run; None if it may run."""
        parent = self._records.get(node.parent or "")
        if parent is not None:  # a DAG has a record before its end only if it does not run
            return parent.state, parent.reason
        if node.task.trigger_policy.strategy == _COMPLETED:
            return None
        for need in node.needs:
            record = self._records[need]
            if record.state in (FAILED, NOT_RUN):
                return NOT_RUN, f"{need} {'failed' if record.state == FAILED else 'was not run'}"
            if record.state == SKIPPED:
                return SKIPPED, f"{need} was skipped"
        if self._rehearsal.job.fails_fast and self._has_failed.is_set():
            return NOT_RUN, _FAST
        return None

    def _without(self, node: TaskNode, state: str, reason: str) -> Record:
        """The record of a task that is not executed; it is not kept for later rehearsals."""
        return record_of(self._rehearsal, node, state, reason=reason)

    def _of_dag(self, dag: TaskNode) -> Record:
        records = [self._records[child] for child in dag.children]
        failed = next((record for record in records if record.state in (FAILED, NOT_RUN)), None)
        selected = dag.component.dag.outputs
        children = self._named(dag.children)
        artifacts = {
            key: [
                artifact
                for selector in spec.artifact_selectors
                for artifact in children[selector.producer_subtask].artifacts.get(selector.output_artifact_key, [])
            ]
            for key, spec in selected.artifacts.items()
        }
        parameters = {}
        for key, spec in selected.parameters.items():
            selector = spec.value_from_parameter
            parameters[key] = children[selector.producer_subtask].parameters.get(selector.output_parameter_key)
        return record_of(
            self._rehearsal,
            dag,
            failed.state if failed else SUCCEEDED,
            started=min(record.started for record in records),
            makes=False,
            reason=f"{failed.task}: {failed.reason}" if failed else "",
            artifacts=artifacts,
            parameters=parameters,
        )

    def _named(self, paths: tuple[str, ...]) -> dict[str, Record]:
        return {path.rsplit("/", 1)[-1]: self._records[path] for path in paths}

    def _final_status(self, task: str) -> Any:
        """The PipelineTaskFinalStatus that an exit handler gets about the task that it waits for."""
        record = self._records[task]
        status = pb.PipelineTaskFinalStatus(
            state=_STATES.get(record.state, "SUCCEEDED"),
            pipeline_job_resource_name=self._rehearsal.resource_name,
            pipeline_task_name=task,
        )
        if record.reason:
            status.error.message = record.reason
        return json_format.MessageToDict(status)
