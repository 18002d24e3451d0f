"""Takes back, or gives again, the evaluator's word in the local metadata store, so that a rollback lasts.

The next run compares with, and starts from, the newest model whose ModelBlessing says `blessed`. Without this, that
would be the very model that was rolled back.
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
    """What became of the blessings."""

    taken: int
    """Models whose blessing was taken back."""

    has_target: bool
    """Whether the next run finds the model that was gone back to; else its artifact is gone."""


def bless_again(metadata_path: str, standing: Iterable[Version], target: str, out: Collection[str]) -> Blessed:
    """Leaves the model that is gone back to as the last one blessed.

    Blessings are taken back from the models withdrawn and from all that are newer than the target, pushed or not, since
    they may have started from those; what an earlier rollback took from the target is given again.

    Args:
        metadata_path: The SQLite file of the store.
        standing: What is in the serving folder.
        target: Digest of the model that is gone back to.
        out: Digests of the models that are out of service.

    Raises:
        OutputError: The store cannot be read or written.
    """
    return _change(metadata_path, standing, target, out)


def take_back(metadata_path: str, serving_dir: str) -> None:
    """Takes back what a withdrawn model was given since its rollback. To be called before each run.

    The evaluator's word stands in its own artifact: asked anew about that model, with other settings of the gate, say,
    it blesses it anew, and though the Pusher refuses the model, it would be the last one blessed.

    Args:
        metadata_path: The SQLite file of the store; it may be missing.
        serving_dir: The serving folder.

    Raises:
        OutputError: The store cannot be read or written.
    """
    out = withdrawn(serving_dir)
    if out and os.path.exists(metadata_path):
        _change(metadata_path, versions(serving_dir), None, out)


def _change(metadata_path: str, standing: Iterable[Version], target: str | None, out: Collection[str]) -> Blessed:
    try:
        store = open_store(metadata_path)
        return _bless_again(store, models_by_digest(store, standing), target, out)
    except (mlmd.errors.StatusError, RuntimeError) as e:  # it cannot be opened: RuntimeError
        raise OutputError(
            f"{metadata_path}: the blessings could not be changed ({e}). Free or unlock its disk and run again."
        ) from e


def _bless_again(
    store: mlmd.MetadataStore, models: Mapping[str, set[int]], target: str | None, out: Collection[str]
) -> Blessed:
    targets = models.get(target, set()) if target else set()
    taken = {model for digest in out for model in models.get(digest, ())} - targets
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
    """Whether LatestBlessedModel can find one of the models: it is there, and so is its blessing."""
    there = {
        model.id
        for model in store.get_artifacts_by_type("Model")
        if model.id in models and model.state == pb.Artifact.LIVE and ("://" in model.uri or os.path.exists(model.uri))
    }
    blessings = [b for b in store.get_artifacts_by_type("ModelBlessing") if b.state == pb.Artifact.LIVE]
    return any(told.get(BLESSED) == 1 and told.get(CURRENT_MODEL) in there for told in map(properties, blessings))


def _set(blessing: pb.Artifact, blessed: int, withdrawn: int) -> None:
    blessing.custom_properties[BLESSED].int_value = blessed
    blessing.custom_properties[WITHDRAWN].int_value = withdrawn


def models_by_digest(store: mlmd.MetadataStore, standing: Iterable[Version]) -> dict[str, set[int]]:
    """Ids of Model artifacts by their digest: of all that were pushed, or found to be pushed already.

    Args:
        store: The metadata store.
        standing: What is in the serving folder. A push that was killed after it made a version has left no word in the
            store; where its version was copied from stands in the version itself.
    """
    models = _pushed_models(store)
    for version in standing:
        source = version.record.source
        # Not by the place alone: where the store and the artifacts were begun anew, another model may be there.
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
    """The artifact that each execution gave out, one each."""
    return {event.execution_id: event.artifact_id for event in events if event.type == pb.Event.OUTPUT}
