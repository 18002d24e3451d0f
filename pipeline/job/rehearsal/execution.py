"""Executes one task, and returns a record of how it ended."""

import time
from typing import Any

from common.errors import JobError
from pipeline.job.rehearsal.container import Container
from pipeline.job.rehearsal.context import Rehearsal, record_of
from pipeline.job.rehearsal.elsewhere import imported, resolved
from pipeline.job.rehearsal.graph import TaskNode
from pipeline.job.rehearsal.inputs import Inputs, Scope
from pipeline.job.rehearsal.records import FAILED, SUCCEEDED, Record


def execute(rehearsal: Rehearsal, node: TaskNode, inputs: Inputs, scope: Scope) -> Record:
    """Executes a task and writes its record, unless the rehearsal was stopped meanwhile.

    Args:
        rehearsal: What all tasks share.
        node: The task.
        inputs: The task's inputs.
        scope: The scope of the DAG that the task is in.

    Returns:
        The task's record, also if it failed.
    """
    started = time.time()
    try:
        record = _execute(rehearsal, node, inputs, scope, started)
    except JobError as e:  # only this task fails: the others go on, as on Vertex
        record = record_of(rehearsal, node, FAILED, started=started, reason=str(e), inputs=inputs.names)
    if not rehearsal.processes.stopped:
        rehearsal.records.add(record)
    return record


def _execute(rehearsal: Rehearsal, node: TaskNode, inputs: Inputs, scope: Scope, started: float) -> Record:
    executor = rehearsal.job.executor(node.task)
    kind = executor.WhichOneof("spec")
    if kind == "container":
        return Container(rehearsal, node, executor.container, started).execute(inputs)
    found: dict[str, Any] = {"started": started, "inputs": inputs.names}
    if kind == "importer":
        found["artifacts"] = {
            key: [imported(executor.importer, inputs, scope.parameters, rehearsal.records, f"{rehearsal.id}/{key}")]
            for key in node.component.output_definitions.artifacts
        }
    elif kind == "resolver":
        found["artifacts"] = resolved(executor.resolver, inputs, rehearsal.records)
    else:
        raise JobError(f"its executor is of the kind {kind!r}, which the rehearsal does not support.")
    return record_of(rehearsal, node, SUCCEEDED, makes=kind == "importer", **found)
