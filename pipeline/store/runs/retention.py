"""Deletes the files of old runs, except those that newer runs, serving or the next comparison need.

The metadata store keeps every run, and marks the artifacts that were deleted.
"""

from datetime import datetime, timezone
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.ground.progress import LOG_NAME_FORMAT
from pipeline.store.runs.disk import discard_outputs
from pipeline.store.runs.metadata import BLESSED, CURRENT_MODEL, open_store, properties
from pipeline.store.runs.records import ArtifactRef, Run, read_runs

LOGS_DIR = "logs"
REPORTS_DIR = "reports"


def prune(metadata_path: str, pipeline_name: str, artifacts_root: Path, serving_dir: str, keep: int) -> int:
    """Deletes artifacts that only old runs refer to. Call it only under the pipeline's lock.

    It keeps the artifacts that one of the newest runs reads or writes (the cache shares them between runs), the last
    blessed model with its blessing, and each model that is still in the serving folder with its blessing.

    Args:
        metadata_path: The store's SQLite file, in the pipeline's home.
        pipeline_name: The pipeline.
        artifacts_root: Its artifacts. Outside of it, only logs and report pages in the home are deleted.
        serving_dir: Its serving folder.
        keep: How many runs count as new.

    Returns:
        The number of artifacts deleted.
    """
    runs = read_runs(metadata_path, pipeline_name)
    kept = runs[-keep:]
    home = Path(metadata_path).parent
    needed = {artifact.id for run in kept for artifact in _artifacts(run)} | _last_blessed(runs)
    store = open_store(metadata_path)
    needed |= _served(store, serving_dir)
    old = {artifact.id for run in runs for artifact in _artifacts(run)} - needed
    deleted = [a for a in store.get_artifacts_by_id(sorted(old)) if a.state == pb.Artifact.LIVE]
    deleted = [a for a in deleted if discard_outputs(artifacts_root, a.uri)]
    for artifact in deleted:  # marked after the folder is deleted: after a kill in between, recovery marks it
        artifact.state = pb.Artifact.DELETED
    store.put_artifacts(deleted)
    _prune_logs(home / LOGS_DIR, kept)
    _prune_reports(home / REPORTS_DIR, runs[:-keep])
    return len(deleted)


def _artifacts(run: Run) -> list[ArtifactRef]:
    return [
        artifact
        for node in run.nodes
        for links in (node.inputs, node.outputs)
        for artifacts in links.values()
        for artifact in artifacts
    ]


def _last_blessed(runs: list[Run]) -> set[int]:
    """Returns the ids of the last blessed model, the one with the highest id, and of its blessing.

    TFX's LatestBlessedModelStrategy finds the same model.
    """
    models = {a.id for run in runs for a in run.outputs("Model").values() if a.state == "LIVE"}
    blessings = {
        a.properties.get(CURRENT_MODEL): a.id
        for run in runs
        for a in run.outputs("ModelBlessing").values()
        if a.state == "LIVE" and a.properties.get(BLESSED) == 1
    }
    last = max(models & set(blessings), default=None)
    return set() if last is None else {last, blessings[last]}


def _served(store: mlmd.MetadataStore, serving_dir: str) -> set[int]:
    """Returns the ids of the models that are still in the serving folder, and of their blessings.

    Models are compared by digest, since a rollback publishes a model again under another number and the first number
    may be removed. A rollback revokes the blessings of newer models, so the next run must find the blessing of this
    one. Several artifacts can hold the same model, since a run in which nothing has changed copies the last blessed
    model; the next run finds the newest of them.
    """
    from pipeline.store.versions.blessings import models_by_digest  # imports TensorFlow, which readers do not need
    from pipeline.store.versions.folder import versions

    standing = versions(serving_dir)
    live_models = {model.id for model in store.get_artifacts_by_type("Model") if model.state == pb.Artifact.LIVE}
    models = models_by_digest(store, standing)
    copies = [models.get(version.record.model_digest or "", set()) & live_models for version in standing]
    newest = {max(artifact_ids) for artifact_ids in copies if artifact_ids}
    blessings = store.get_artifacts_by_type("ModelBlessing")
    return newest | {each.id for each in blessings if properties(each).get(CURRENT_MODEL) in newest}


def _prune_logs(logs_dir: Path, kept: list[Run]) -> None:
    """Deletes the logs that are older than the log of the oldest kept run; a log begins shortly before its run."""
    logs = {began: file for file in logs_dir.glob("*.log") if (began := _log_began(file)) is not None}
    if not kept:
        return
    oldest = min(run.started for run in kept)
    first_kept = max((began for began in logs if began <= oldest), default=oldest)
    for began, file in logs.items():
        if began < first_kept:
            file.unlink()


def _log_began(file: Path) -> datetime | None:
    try:
        return datetime.strptime(file.stem, LOG_NAME_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:  # not the name of a run's log
        return None


def _prune_reports(reports_dir: Path, old: list[Run]) -> None:
    for run in old:
        (reports_dir / f"{run.number}.html").unlink(missing_ok=True)
