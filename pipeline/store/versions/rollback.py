"""Rolls back to an older version.

A server treats the highest number as the newest version, and loads it before it unloads the current one. So a rollback
never deletes the live version: it publishes the older model again, with its data for the service, under a new, higher
number, as a push does. For the rollback to last, the models that it withdraws are recorded in the serving folder, where
the Pusher checks them. The next run compares with the last blessed model, and starts from it. If it finds that model in
a local metadata store, the withdrawn models lose their blessings there.
"""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from common.errors import ModelError
from documents.push_record import PushRecord
from documents.withdrawn import WithdrawnModel
from pipeline.store.versions.blessings import Blessed, bless_again
from pipeline.store.versions.files import reading, writing
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.publish import Files, locked, publish, remove_leftovers, retire
from pipeline.store.versions.withdrawn import withdrawn, write_withdrawn
from serving_signatures.provenance import digest_of_files, file_digests

Elsewhere = Callable[[Version, Sequence[Version], Collection[str]], None]
"""Rolls back the other places that serve the models of a serving folder, such as an Endpoint. Its arguments are the
target version, all versions, and the digests of the models that are out of service after the rollback."""


@dataclass(frozen=True)
class Rollback:
    """The result of a rollback."""

    target: int
    """The version that the rollback returned to."""

    live: int
    """The number under which its model is live now."""

    withdrawn: dict[str, int]
    """Models that this rollback withdrew: their newest version, by digest."""

    blessed: Blessed | None
    """How the blessings changed; None if there is no metadata store on this machine."""


def default_target(serving_dir: str) -> int:
    """Returns the newest version whose model is not the live one and was not withdrawn by a rollback.

    Call it before any wait for a run at work. If that run pushes a version during the wait, the version that the person
    wants to replace must not become the target.

    Args:
        serving_dir: The serving folder, local or remote.

    Returns:
        The number of the version.

    Raises:
        ModelError: There is no such version.
        OutputError: The folder cannot be read.
    """
    with reading(serving_dir):
        kept, withdrawn_models = _kept(serving_dir), withdrawn(serving_dir)
        not_fitting = {*withdrawn_models, kept[-1].digest}
        fitting = [version.number for version in kept if version.digest not in not_fitting]
    if not fitting:
        raise _nothing_fits(serving_dir, kept, "other model that was not withdrawn")
    return fitting[-1]


def roll_back(
    serving_dir: str, keep_versions: int, metadata_path: str | None, number: int, elsewhere: Elsewhere | None = None
) -> Rollback:
    """Makes an older version's model live again, and withdraws the models that were first pushed after it.

    If it is killed or `elsewhere` fails, it can be run again: publishing is the last step, so until then the default
    target stays the same.

    Args:
        serving_dir: The serving folder, local or remote.
        keep_versions: How many models to keep, including the live one.
        metadata_path: The pipeline's local metadata store; it may be missing. None: the pipeline has none.
        number: The version to return to.
        elsewhere: Rolls back the other places that serve these models, before the folder changes.

    Raises:
        ModelError: There is no such version, or its files have changed since it was pushed.
        OutputError: The folder cannot be written; the live version stays live.
    """
    with writing(serving_dir), locked(serving_dir) as is_alone:
        remove_leftovers(serving_dir, is_alone)
        kept, withdrawn_models = _kept(serving_dir), withdrawn(serving_dir)
        target = _target(serving_dir, kept, number)
        digests = {version.number: version.digest for version in kept}
        files, digest = file_digests(target.path), digests[target.number]
        if digest_of_files(files) != digest:
            raise ModelError(
                f"the files of {target.path} have changed since it was pushed. `perennial versions list` shows the "
                "others."
            )
        newer = {digests[v.number]: v.number for v in kept if v.origin > target.origin and digests[v.number] != digest}
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        all_withdrawn = withdrawn_models | {
            each: WithdrawnModel(version=v, at=at) for each, v in newer.items() if each not in withdrawn_models
        }
        all_withdrawn.pop(digest, None)
        if all_withdrawn != withdrawn_models:
            write_withdrawn(serving_dir, all_withdrawn)
        if elsewhere is not None:
            elsewhere(target, kept, all_withdrawn)
        blessed = None
        if metadata_path is not None and os.path.exists(metadata_path):
            blessed = bless_again(metadata_path, kept, digest, all_withdrawn)
        if digest == digests[kept[-1].number]:
            live = kept[-1].number
        else:
            record = PushRecord(origin=target.origin, rolled_back_to=target.number, source=target.record.source)
            live, _ = publish(Files(target.path, files), serving_dir, record)
        retire(serving_dir, keep_versions)
        newly_withdrawn = {each: v for each, v in newer.items() if each not in withdrawn_models}
        return Rollback(target.number, live, newly_withdrawn, blessed)


def _kept(serving_dir: str) -> list[Version]:
    kept = versions(serving_dir)
    if not kept:
        raise ModelError(f"no model has been pushed to {serving_dir}: there is nothing to go back to.")
    return kept


def _target(serving_dir: str, kept: list[Version], number: int) -> Version:
    for version in kept:
        if version.number == number:
            return version
    for version in reversed(kept):
        if number in (version.origin, version.record.rolled_back_to):
            raise _nothing_fits(serving_dir, kept, f"version {number}, whose model is version {version.number} now")
    raise _nothing_fits(serving_dir, kept, f"version {number}")


def _nothing_fits(serving_dir: str, kept: list[Version], wanted: str) -> ModelError:
    there = ", ".join(str(version.number) for version in kept)
    return ModelError(f"{serving_dir} holds no {wanted}; its versions are {there}. See `perennial versions list`.")
