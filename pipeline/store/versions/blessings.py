"""Revokes or restores the evaluator's blessings in the local metadata store, so that a rollback lasts.

The next run compares with, and starts from, the newest model whose ModelBlessing says `blessed`. Without this module
that would be the model that was rolled back.
"""

import os
import posixpath
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from common.errors import OutputError
from pipeline.store.runs.metadata import BLESSED, CURRENT_MODEL, MODEL_DIGEST, WITHDRAWN, open_store, properties
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.withdrawn import withdrawn
from serving_signatures.provenance import model_digest


class Blessed(NamedTuple):
    """How a rollback changed the blessings."""

    taken: int
    """How many models lost their blessing."""

    has_target: bool
    """Whether the next run finds the target model of the rollback; False if its artifact is gone."""


def bless_again(
    metadata_path: str, standing: Iterable[Version], target: str, withdrawn_models: Collection[str]
) -> Blessed:
    """Makes the target model of a rollback the last blessed one.

    Revokes the blessings of the withdrawn models, and of all models that are newer than the target, pushed or not,
    since their training may have started from a withdrawn one. If an earlier rollback revoked the target's blessing,
    it is restored.

    Args:
        metadata_path: The SQLite file of the store.
        standing: The versions in the serving folder.
        target: Digest of the target model.
        withdrawn_models: Digests of the models that are out of service.

    Raises:
        OutputError: The store cannot be read or written.
    """
    return _change(metadata_path, standing, target, withdrawn_models)


def take_back(metadata_path: str, serving_dir: str) -> None:
    """Revokes the blessings that withdrawn models got after their rollback. Call it before each run.

    The evaluator writes each blessing into a new artifact. If it judges a withdrawn model again, for example with other
    settings of the gate, it may bless it again. The Pusher refuses that model, but it would be the last blessed one.

    Args:
        metadata_path: The SQLite file of the store; it may be missing.
        serving_dir: The serving folder.

    Raises:
        OutputError: The store cannot be read or written.
    """
    withdrawn_models = withdrawn(serving_dir)
    if withdrawn_models and os.path.exists(metadata_path):
        _change(metadata_path, versions(serving_dir), None, withdrawn_models)


def _change(
    metadata_path: str, standing: Iterable[Version], target: str | None, withdrawn_models: Collection[str]
) -> Blessed:
    try:
        store = open_store(metadata_path)
        return _bless_again(store, models_by_digest(store, standing), target, withdrawn_models)
    except (mlmd.errors.StatusError, RuntimeError) as e:  # MLMD raises RuntimeError if it cannot open the store
        raise OutputError(
            f"{metadata_path}: the blessings could not be changed ({e}). Free disk space or make the file writable, "
            "and run again."
        ) from e


def _bless_again(
    store: mlmd.MetadataStore, models: Mapping[str, set[int]], target: str | None, withdrawn_models: Collection[str]
) -> Blessed:
    targets = models.get(target, set()) if target else set()
    taken = {model for digest in withdrawn_models for model in models.get(digest, ())} - targets
    changed, lost = [], set()
    for blessing in store.get_artifacts_by_type("ModelBlessing"):
        known = properties(blessing)
        model = known.get(CURRENT_MODEL)
        is_newer = bool(targets) and model is not None and model > max(targets)
        if known.get(BLESSED) == 1 and (model in taken or is_newer):
            _set(blessing, blessed=0, withdrawn=1)
            lost.add(model)
            changed.append(blessing)
        elif known.get(WITHDRAWN) == 1 and model in targets:
            _set(blessing, blessed=1, withdrawn=0)
            changed.append(blessing)
    store.put_artifacts(changed)
    return Blessed(len(lost), _finds_any(store, targets))


def _finds_any(store: mlmd.MetadataStore, models: set[int]) -> bool:
    """Tells whether the next run can find one of the models: the model exists, and so does its blessing."""
    existing = {
        model.id
        for model in store.get_artifacts_by_type("Model")
        if model.id in models and model.state == pb.Artifact.LIVE and ("://" in model.uri or os.path.exists(model.uri))
    }
    blessings = [b for b in store.get_artifacts_by_type("ModelBlessing") if b.state == pb.Artifact.LIVE]
    return any(
        blessing.get(BLESSED) == 1 and blessing.get(CURRENT_MODEL) in existing
        for blessing in map(properties, blessings)
    )


def _set(blessing: pb.Artifact, blessed: int, withdrawn: int) -> None:
    blessing.custom_properties[BLESSED].int_value = blessed
    blessing.custom_properties[WITHDRAWN].int_value = withdrawn


def models_by_digest(store: mlmd.MetadataStore, standing: Iterable[Version]) -> dict[str, set[int]]:
    """Returns the ids of the Model artifacts that were pushed, or were live already, by the model's digest.

    Args:
        store: The metadata store.
        standing: The versions in the serving folder. A push that was killed after it made a version left no record in
            the store, but the version itself records where it was copied from.
    """
    models = _pushed_models(store)
    for version in standing:
        source = version.record.source
        # The path alone is not enough: after a restart with an empty store, another model may have the same path.
        if source and version.digest not in models and model_digest(source) == version.digest:
            artifacts = store.get_artifacts_by_type("Model")
            models[version.digest] = {model.id for model in artifacts if posixpath.dirname(source) == model.uri}
    return models


def _pushed_models(store: mlmd.MetadataStore) -> dict[str, set[int]]:
    pushed = {
        artifact.id: properties(artifact).get(MODEL_DIGEST) for artifact in store.get_artifacts_by_type("PushedModel")
    }
    model_ids = {artifact.id for artifact in store.get_artifacts_by_type("Model")}
    pushes = _outputs(store.get_events_by_artifact_ids(list(pushed))) if pushed else {}
    models: dict[str, set[int]] = {}
    for event in store.get_events_by_execution_ids(list(pushes)) if pushes else []:
        digest = pushed.get(pushes[event.execution_id])
        if digest and event.artifact_id in model_ids:
            models.setdefault(digest, set()).add(event.artifact_id)
    return models


def _outputs(events: Iterable[pb.Event]) -> dict[int, int]:
    """Returns the one output artifact of each execution."""
    return {event.execution_id: event.artifact_id for event in events if event.type == pb.Event.OUTPUT}
