"""Pushes a blessed model, unless it is live already or was withdrawn; the Pusher component calls it.

A model that is live already may come with other items or histories for the service. These are several files, which
nobody can replace at once, least of all on an object store, and who has read a part of them would mix old and new. So
the same model then becomes a new version, as whole as any other, and the old number goes.

What the gate says of a live model changes nothing: a version keeps the judgement with which it was pushed. On the same
data, a later judgement compares the model with itself, and says less.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common.atomicity import is_local
from common.errors import OutputError
from documents.push_record import PushRecord
from documents.service_data import FILES, ServiceData, is_service_data
from pipeline.store.versions.files import writing
from pipeline.store.versions.folder import versions
from pipeline.store.versions.in_place import note_source
from pipeline.store.versions.publish import Files, locked, publish, remove_leftovers, retire
from pipeline.store.versions.withdrawn import withdrawn
from serving_signatures.provenance import digest_of_files, file_digests


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
    """Whether a version was made; False if model and service data were live already, or the model was not pushed."""

    deleted: tuple[int, ...] = ()
    """Old versions that were removed."""


def push(source: str, serving_dir: str, keep_versions: int, service_data: str | None = None) -> PushResult:
    """Pushes a model, unless it is live already or a rollback took it out of service.

    Args:
        source: The SavedModel, local or remote.
        serving_dir: The serving folder, local or remote; created if it is missing.
        keep_versions: How many models to keep, including the new one.
        service_data: A folder with the service's data, under the paths that it has in a version. None: the version gets
            none.

    Raises:
        ModelError: There is no SavedModel at `source`.
        OutputError: The folder cannot be written; the live version stays live.
    """
    files = {path: each for path, each in file_digests(source).items() if not is_service_data(path)}
    digest = digest_of_files(files)
    exported = Files(source, files)
    beside = None if service_data is None else Files(service_data, file_digests(service_data))
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
        found = file_digests(before[-1].path) if before else {}
        live = before[-1] if before and digest_of_files(found) == digest else None
        reason, is_new = "pushed", True
        if live is None:
            version, path = publish(exported, serving_dir, PushRecord(source=source), beside)
        elif beside is not None and not _has(live.path, found, beside):
            record = live.record.model_copy(update={"origin": live.origin, "source": source})
            version, path = publish(exported, serving_dir, record, beside)
            reason = "pushed again, with other data for the service"
        else:
            version, path, reason, is_new = live.number, live.path, "already live", False
            note_source(live, source)
        # In all cases: the push that made the live version may have been killed before it removed old versions.
        deleted = retire(serving_dir, keep_versions)
        return PushResult(digest, version, path, reason, is_new, tuple(deleted))


def _has(version: str, found: Mapping[str, str], beside: Files) -> bool:
    """Tells whether a version has the same data for the service, apart from the gate's judgement.

    Args:
        version: Its folder.
        found: The digests of its files.
        beside: The data.
    """
    if any(found.get(file) != beside.digests.get(file) for file in FILES):
        return False
    try:
        there, here = ServiceData.find(version), ServiceData.read(beside.folder)
    except OutputError:  # damaged; a new version is not
        return False
    judgement = {"metrics": here.metrics, "decision": here.decision}
    return there is not None and there.model_copy(update=judgement) == here
