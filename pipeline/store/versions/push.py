"""Pushes a blessed model, unless it is live already or was withdrawn; the Pusher component calls it."""

from dataclasses import dataclass

from common.atomicity import is_local
from pipeline.store.versions.files import writing
from pipeline.store.versions.folder import versions
from pipeline.store.versions.publish import locked, note_source, publish, remove_leftovers, retire
from pipeline.store.versions.withdrawn import withdrawn
from serving_signatures.provenance import digest_of_files, file_digests, model_digest


@dataclass(frozen=True)
class PushResult:
    """The result of a push."""

    digest: str
    """The model's digest."""

    version: int | None
    """The live version, which holds this model; None if the model was not pushed."""

    path: str | None
    """The version's folder."""

    reason: str
    """What happened and why, for people: a part of a sentence."""

    is_new: bool = False
    """Whether a version was made; False if the model was live already, or was not pushed."""

    deleted: tuple[int, ...] = ()
    """Old versions that were removed."""


def push(source: str, serving_dir: str, keep_versions: int) -> PushResult:
    """Pushes a model, unless it is live already or a rollback took it out of service.

    Args:
        source: The SavedModel, local or remote.
        serving_dir: The serving folder, local or remote; created if it is missing.
        keep_versions: How many models to keep, including the new one.

    Raises:
        ModelError: There is no SavedModel at `source`.
        OutputError: The folder cannot be written; the live version stays live.
    """
    files = file_digests(source)
    digest = digest_of_files(files)
    with writing(serving_dir), locked(serving_dir) as is_alone:
        remove_leftovers(serving_dir, is_alone)
        if model := withdrawn(serving_dir).get(digest):
            command = "perennial versions rollback" if is_local(serving_dir) else "perennial vertex versions rollback"
            reason = (
                f"this model was version {model.version} until a rollback withdrew it at {model.at}; "
                f"`{command} VERSION` brings a version back on purpose"
            )
            return PushResult(digest, None, None, reason)
        before = versions(serving_dir)
        # Compute the digest, do not use the recorded one: a damaged live version must not count as this model.
        if before and model_digest(before[-1].path) == digest:
            version, path, is_new = before[-1].number, before[-1].path, False
            note_source(before[-1], source)
        else:
            version, path = publish(source, files, serving_dir)
            is_new = True
        # In both cases: the push that made the live version may have been killed before it removed old versions.
        deleted = retire(serving_dir, keep_versions)
        return PushResult(digest, version, path, "pushed" if is_new else "already live", is_new, tuple(deleted))
