"""Decides whether a blessed model is pushed; what the Pusher asks."""

from dataclasses import dataclass

from common.atomicity import is_local
from pipeline.store.versions.files import writing
from pipeline.store.versions.folder import versions
from pipeline.store.versions.publish import locked, note_source, publish, retire, sweep
from pipeline.store.versions.withdrawn import withdrawn
from serving_signatures.provenance import digest_of_files, file_digests, model_digest


@dataclass(frozen=True)
class PushResult:
    """What came of a push."""

    digest: str
    """The model's digest."""

    version: int | None
    """The live version, which holds this model; None if it was not pushed."""

    path: str | None
    """Its folder."""

    reason: str
    """One sentence part for people: what happened, and why."""

    is_new: bool = False
    """Whether a version was made; else the model was live already, or it was not pushed."""

    deleted: tuple[int, ...] = ()
    """Versions that made way."""


def push(source: str, serving_dir: str, keep_versions: int) -> PushResult:
    """Pushes a model, unless it is live already or a rollback took it out of service.

    Args:
        source: The SavedModel, local or remote.
        serving_dir: The serving folder, local or remote; made if need be.
        keep_versions: Models to keep, the new one among them.

    Raises:
        ModelError: There is no SavedModel at `source`.
        OutputError: The folder cannot be written; what was live still is.
    """
    files = file_digests(source)
    digest = digest_of_files(files)
    with writing(serving_dir), locked(serving_dir) as is_alone:
        sweep(serving_dir, is_alone)
        if out := withdrawn(serving_dir).get(digest):
            command = "perennial versions rollback" if is_local(serving_dir) else "perennial vertex versions rollback"
            reason = (
                f"this model was version {out.version} until a rollback withdrew it at {out.at}; "
                f"`{command} VERSION` brings a version back on purpose"
            )
            return PushResult(digest, None, None, reason)
        before = versions(serving_dir)
        # Computed, not as written down: a live version that was damaged must not pass for this model.
        if before and model_digest(before[-1].path) == digest:
            version, path, is_new = before[-1].number, before[-1].path, False
            note_source(before[-1], source)
        else:
            version, path = publish(source, files, serving_dir)
            is_new = True
        # In either case: the push that made this version may have been killed before it came to this.
        deleted = retire(serving_dir, keep_versions)
        return PushResult(digest, version, path, "pushed" if is_new else "already live", is_new, tuple(deleted))
