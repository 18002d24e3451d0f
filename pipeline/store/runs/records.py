"""Reads a pipeline's runs from the metadata store in one pass; never writes."""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from ml_metadata.proto import metadata_store_pb2 as pb

from common.errors import RunError
from pipeline.store.runs.lock import is_locked
from pipeline.store.runs.metadata import ERROR, KILLED, OUTCOME, node_ids, open_store, properties, runs_of

LATEST = "latest"

NodeState = Literal["complete", "cached", "failed", "running", "killed"]
RunState = Literal["succeeded", "failed", "running", "killed"]


@dataclass(frozen=True)
class ArtifactRef:
    """An artifact as the store knows it; its files may be gone."""

    id: int
    type: str
    uri: str
    properties: dict[str, Any]
    state: str
    """MLMD's name of the state, such as `LIVE` or `DELETED`."""


@dataclass(frozen=True)
class NodeExecution:
    """One node of one run."""

    node_id: str
    state: NodeState
    started: datetime
    seconds: float | None
    """None while it runs, and where it was killed."""

    inputs: dict[str, tuple[ArtifactRef, ...]]
    outputs: dict[str, tuple[ArtifactRef, ...]]
    properties: dict[str, Any]
    """Execution properties: the configuration, and the code's digest."""

    error: str | None
    """Why it failed."""

    found: bool = False
    """Whether it is a resolver: it finds its outputs among those of earlier runs."""


@dataclass(frozen=True)
class Run:
    """One run."""

    number: int
    """1, 2, ... in the order of the store."""

    run_id: str
    started: datetime
    state: RunState
    nodes: tuple[NodeExecution, ...]
    """The nodes that started, in this order."""

    @property
    def seconds(self) -> float | None:
        """Seconds from the start to the end of the last node that ended; None before one has ended."""
        ends = [node.started.timestamp() + node.seconds for node in self.nodes if node.seconds is not None]
        return max(0.0, max(ends) - self.started.timestamp()) if ends else None

    def outputs(self, artifact_type: str) -> dict[str, ArtifactRef]:
        """Returns the outputs of a type by the node that made them, in this run or in the run that the cache reuses."""
        return {
            node.node_id: artifact
            for node in self.nodes
            if not node.found
            for artifacts in node.outputs.values()
            for artifact in artifacts
            if artifact.type == artifact_type
        }

    def output(self, artifact_type: str) -> ArtifactRef | None:
        """Returns the last output of a type; None if there is none."""
        return next(reversed(self.outputs(artifact_type).values()), None)


def read_runs(metadata_path: str, pipeline_name: str) -> list[Run]:
    """Reads all runs of a pipeline.

    Args:
        metadata_path: The store's SQLite file, in the pipeline's home.
        pipeline_name: The pipeline.

    Returns:
        The runs, oldest first; empty if there is no store yet.
    """
    if not os.path.exists(metadata_path):
        return []
    store = open_store(metadata_path)
    alive = is_locked(Path(metadata_path).parent)
    nodes_by_execution = node_ids(store, pipeline_name)
    artifacts = {artifact.id: _artifact(artifact) for artifact in store.get_artifacts()}
    links: dict[tuple[int, int], dict[str, list[ArtifactRef]]] = defaultdict(lambda: defaultdict(list))
    for event in store.get_events_by_execution_ids(list(nodes_by_execution)):
        links[event.execution_id, event.type][event.path.steps[0].key].append(artifacts[event.artifact_id])

    def node(execution: pb.Execution) -> NodeExecution:
        def linked(*kinds: int) -> dict[str, tuple[ArtifactRef, ...]]:
            return {key: tuple(refs) for kind in kinds for key, refs in links[execution.id, kind].items()}

        recorded = properties(execution)
        killed, error = recorded.pop(KILLED, None), recorded.pop(ERROR, None)
        state = _node_state(execution, killed is not None, alive)
        milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
        ended = state not in ("running", "killed")
        return NodeExecution(
            node_id=nodes_by_execution[execution.id],
            state=state,
            started=_time(execution.create_time_since_epoch),
            seconds=max(0, milliseconds) / 1000 if ended else None,  # a clock may be set back in between
            inputs=linked(pb.Event.INPUT),
            outputs=linked(pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT),
            properties=recorded,
            error=error,
            found=bool(links[execution.id, pb.Event.INTERNAL_OUTPUT]),
        )

    runs: list[Run] = []
    contexts = runs_of(store)
    for context in contexts:
        executions = [e for e in store.get_executions_by_context(context.id) if e.id in nodes_by_execution]
        if not executions:
            continue
        nodes = tuple(node(execution) for execution in sorted(executions, key=lambda execution: execution.id))
        at_work = alive and context.id == contexts[-1].id
        state: RunState = properties(context).get(OUTCOME) or ("running" if at_work else "killed")
        runs.append(Run(len(runs) + 1, context.name, nodes[0].started, state, nodes))
    return runs


def find_run(runs: list[Run], wanted: str) -> Run:
    """Finds the run that a person means.

    Args:
        runs: All runs, oldest first.
        wanted: A number, `latest`, or a whole run id.

    Raises:
        RunError: There is no such run.
    """
    if not runs:
        raise RunError("there is no run yet: `perennial run` makes one.")
    if wanted == LATEST:
        return runs[-1]
    for run in runs:
        if wanted in (str(run.number), run.run_id):
            return run
    raise RunError(f"no run {wanted!r}: give a number from 1 to {len(runs)}, {LATEST!r}, or a whole run id.")


def _node_state(execution: pb.Execution, killed: bool, alive: bool) -> NodeState:
    match execution.last_known_state:
        case pb.Execution.COMPLETE:
            return "complete"
        case pb.Execution.CACHED:
            return "cached"
        case pb.Execution.NEW | pb.Execution.RUNNING:
            return "running" if alive else "killed"
        case _:
            return "killed" if killed else "failed"


def _artifact(artifact: pb.Artifact) -> ArtifactRef:
    state = pb.Artifact.State.Name(artifact.state)
    return ArtifactRef(artifact.id, artifact.type, artifact.uri, properties(artifact), state)


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
