"""Runs the tasks of a job in dependency order, those that do not wait for each other side by side."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.vertex.rehearsal import conditions
from pipeline.vertex.rehearsal.execution import Rehearsal, execute
from pipeline.vertex.rehearsal.graph import Graph, Node
from pipeline.vertex.rehearsal.inputs import Inputs, Scope, executor_input
from pipeline.vertex.rehearsal.records import FAILED, NOT_RUN, SKIPPED, SUCCEEDED, Record

_COMPLETED = pb.PipelineTaskSpec.TriggerPolicy.ALL_UPSTREAM_TASKS_COMPLETED
_STATES = {FAILED: "FAILED", NOT_RUN: "FAILED", SKIPPED: "SKIPPED"}


class Scheduler:
    """One run through a job's tasks."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        parameters: dict[str, Any],
        parallel: int,
        *,
        fail_fast: bool = False,
        started: Callable[[str], None] = lambda path: None,
        ended: Callable[[Record], None] = lambda record: None,
    ) -> None:
        """Prepares the run.

        Args:
            rehearsal: What the tasks share.
            parameters: Values of the job's parameters.
            parallel: How many tasks may run at once.
            fail_fast: Whether no further task starts after one has failed; else those do that do not need it.
            started: Called with the path of a task that starts.
            ended: Called with the record of one that has ended.
        """
        self._rehearsal, self._parallel, self._fail_fast = rehearsal, parallel, fail_fast
        self._started, self._ended = started, ended
        self._graph = Graph(rehearsal.job)
        self._scopes: dict[str | None, Scope] = {None: Scope(parameters, {})}
        self._records: dict[str, Record] = {}

    def run(self) -> dict[str, Record]:
        """Runs everything that can run.

        Returns:
            Records by path, of DAGs too.

        Raises:
            JobError: The job itself is wrong.
        """
        running: dict[Future[Record], Node] = {}
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
            except BaseException:  # Ctrl-C too: no process may outlive this, and the pool waits for them
                self._rehearsal.processes.stop()
                for future in running:
                    future.cancel()
                raise
        return self._records

    def _start(self, path: str, pool: ThreadPoolExecutor, running: dict[Future[Record], Node]) -> None:
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
        inputs = Inputs(path, node.task, node.component, scope, self._siblings(node), self._final_status)
        condition = node.task.trigger_policy.condition
        if condition and not conditions.holds(condition, executor_input(inputs, node.component, "", legacy=False)):
            self._close(self._without(node, SKIPPED, f"its condition does not hold: {condition}"))
        elif node.is_dag:
            self._scopes[path] = Scope(inputs.parameters, inputs.artifacts)
            self._graph.done(path)  # its tasks may start; its record follows at its end
        else:
            running[pool.submit(self._execute, node, inputs, scope)] = node

    def _execute(self, node: Node, inputs: Inputs, scope: Scope) -> Record:
        self._started(node.path)
        return execute(self._rehearsal, node, inputs, scope)

    def _close(self, record: Record) -> None:
        self._records[record.task] = record
        self._ended(record)
        self._graph.done(record.task)

    def _why_not(self, node: Node) -> tuple[str, str] | None:
        """State and reason of a task that must not run."""
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
        if self._fail_fast and any(record.state == FAILED for record in self._records.values()):
            return NOT_RUN, "another task failed, and the failure policy is fast"
        return None

    def _without(self, node: Node, state: str, reason: str) -> Record:
        """The record of a task that is not executed; nothing of it is kept for later rehearsals."""
        now = time.time()
        return Record(self._rehearsal.id, node.path, state, started=now, ended=now, reason=reason)

    def _of_dag(self, dag: Node) -> Record:
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
            record = children.get(selector.producer_subtask)
            if record is not None:
                parameters[key] = record.parameters.get(selector.output_parameter_key)
        return Record(
            self._rehearsal.id,
            dag.path,
            failed.state if failed else SUCCEEDED,
            started=min(record.started for record in records),
            ended=max(record.ended for record in records),
            reason=f"{failed.task}: {failed.reason}" if failed else "",
            artifacts=artifacts,
            parameters=parameters,
        )

    def _siblings(self, node: Node) -> dict[str, Record]:
        return self._named(node.needs)

    def _named(self, paths: tuple[str, ...]) -> dict[str, Record]:
        return {path.rsplit("/", 1)[-1]: self._records[path] for path in paths}

    def _final_status(self, task: str) -> Any:
        """What an exit handler is told of the task that it waits for: PipelineTaskFinalStatus."""
        record = self._records[task]
        status = pb.PipelineTaskFinalStatus(
            state=_STATES.get(record.state, "SUCCEEDED"),
            pipeline_job_resource_name=f"projects/rehearsal/locations/local/pipelineJobs/{self._rehearsal.id}",
            pipeline_task_name=task,
        )
        if record.reason:
            status.error.message = record.reason
        return json_format.MessageToDict(status)
