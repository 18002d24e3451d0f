"""Repairs a pipeline's home before a run, after a kill or after somebody deleted files.

TFX's launcher writes an execution as RUNNING, lets the executor fill `<root>/<node>/<output>/<execution id>`, and
commits the artifacts together with the execution's state in one transaction. So a kill leaves a RUNNING execution and
folders that no artifact names; no artifact is ever half committed.
"""

import logging
import os
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from common.errors import OutputError
from pipeline.store.runs.disk import discard, discard_outputs, empty_trash
from pipeline.store.runs.metadata import KILLED, OUTCOME, node_ids, open_store, properties, runs_of

_WORKING_FILES = ".system"
"""TFX's folder in each node's folder: temporary and stateful working folders of running executions."""

_LOG = logging.getLogger("perennial.runs")


class Recovered(NamedTuple):
    """What was repaired."""

    killed_executions: int
    removed_folders: int
    deleted_artifacts: int


def recover(metadata_path: str, pipeline_name: str, artifacts_root: Path) -> Recovered:
    """Marks dead executions as killed and removes what they left.

    Call it only under the pipeline's lock: a running execution looks the same as a dead one. Every step can be
    repeated, and the folders are removed before the marks by which they are found. So if a kill interrupts this
    function, the next call finishes the repair.

    Args:
        metadata_path: The store's SQLite file.
        pipeline_name: The pipeline.
        artifacts_root: Its artifacts.

    Raises:
        OutputError: The folder was moved or belongs to another store: it has no artifact that the store knows. Nothing
            is changed.
    """
    if not os.path.exists(metadata_path):
        return Recovered(0, 0, 0)
    store = open_store(metadata_path)
    nodes = node_ids(store, pipeline_name)
    # Also the folders of failed executions: TFX removes them itself, unless the disk or a kill stops it.
    unfinished = [
        execution
        for execution in store.get_executions()
        if execution.id in nodes and execution.last_known_state not in (pb.Execution.COMPLETE, pb.Execution.CACHED)
    ]
    folders = [folder for e in unfinished for folder in artifacts_root.glob(f"{nodes[e.id]}/*/{e.id}")]
    _require_not_moved(store, nodes, artifacts_root, folders)
    dead = [e for e in unfinished if e.last_known_state in (pb.Execution.NEW, pb.Execution.RUNNING)]
    removed = sum(discard(artifacts_root, folder) for folder in folders)
    for working_files in artifacts_root.glob(f"*/{_WORKING_FILES}"):
        discard(artifacts_root, working_files)
    empty_trash(artifacts_root)
    _mark_killed(store, dead)
    gone = _mark_deleted(store, artifacts_root)
    recovered = Recovered(len(dead), removed, gone)
    if any(recovered):
        _LOG.warning(
            "Repaired: %d execution(s) left by a kill, %d of their folder(s) removed, %d artifact(s) whose files are "
            "gone.",
            *recovered,
        )
    return recovered


def _require_not_moved(
    store: mlmd.MetadataStore, nodes: Mapping[int, str], artifacts_root: Path, leftovers: Collection[Path]
) -> None:
    """Refuses a home that was moved; one where files were deleted is accepted.

    The store holds absolute paths. In a moved home every artifact looks deleted and would be marked so for good, also
    the last blessed model; then the next run would have no model to compare with.
    """
    root_by_uri = _made_here(store, nodes)
    if not root_by_uri or any(os.path.exists(uri) for uri in root_by_uri):
        return
    roots = sorted(set(root_by_uri.values()))
    unknown_folders = set(artifacts_root.glob("[!.]*/[!.]*/*")) - set(leftovers)
    if roots == [str(artifacts_root)] and not unknown_folders:  # emptied on purpose
        return
    raise OutputError(
        f"{artifacts_root}: has none of the {len(root_by_uri)} artifact(s) that its metadata store knows; they were "
        f"written to {' and '.join(roots)}. The folder was moved or renamed, or belongs to another store. Nothing was "
        "changed: move it back, or start again with another output_dir."
    )


def _made_here(store: mlmd.MetadataStore, nodes: Mapping[int, str]) -> dict[str, str]:
    """Returns the root of each live artifact that a run wrote to `<root>/<node>/<output>/<execution id>`, by URI."""
    live = {a.id: a.uri for a in store.get_artifacts() if a.state == pb.Artifact.LIVE and "://" not in a.uri}
    root_by_uri = {}
    for event in store.get_events_by_artifact_ids(list(live)) if live else []:
        uri = live[event.artifact_id]
        if event.type == pb.Event.OUTPUT and event.execution_id in nodes:
            root, folder, _ = f"{uri}/".rpartition(
                f"/{nodes[event.execution_id]}/{event.path.steps[0].key}/{event.execution_id}/"
            )
            if folder:  # else it was imported from elsewhere, or reused from the cache
                root_by_uri[uri] = root
    return root_by_uri


def _mark_killed(store: mlmd.MetadataStore, executions: Iterable[pb.Execution]) -> None:
    for execution in executions:
        execution.last_known_state = pb.Execution.FAILED
        execution.custom_properties[KILLED].string_value = datetime.now(timezone.utc).isoformat(timespec="seconds")
    store.put_executions(list(executions))
    ended = [run for run in runs_of(store) if OUTCOME not in run.custom_properties]
    for run in ended:
        run.custom_properties[OUTCOME].string_value = "killed"
    store.put_contexts(ended)


def _mark_deleted(store: mlmd.MetadataStore, artifacts_root: Path) -> int:
    """Marks artifacts without files as deleted, so that neither the cache nor a resolver returns them.

    TFX's cache checks the files too, but its resolvers do not: one would return a last blessed model that is gone.
    Neither of them notices that a pushed model is missing from the serving folder.
    """
    gone = [a for a in store.get_artifacts() if a.state == pb.Artifact.LIVE and _is_gone(a)]
    for artifact in gone:
        artifact.state = pb.Artifact.DELETED
        discard_outputs(artifacts_root, artifact.uri)
    store.put_artifacts(gone)
    return len(gone)


def _is_gone(artifact: pb.Artifact) -> bool:
    known = properties(artifact)
    places = [artifact.uri]
    if known.get("pushed"):
        places.append(known.get("pushed_destination", artifact.uri))
    return any("://" not in place and not os.path.exists(place) for place in places)
