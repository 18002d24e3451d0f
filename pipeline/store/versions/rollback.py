"""Goes back to an older version.

A server takes the highest number for the newest and loads it before it drops the one it has. So a rollback never
deletes what is live and never points backwards: it publishes the older model again, under a new and higher number, as a
push does. For it to last, the models it takes out of service are written down in the serving folder, where the Pusher
looks. The next run compares with a model, and starts from it: where it looks for that in a local metadata store, they
lose their blessing there.
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
from pipeline.store.versions.publish import locked, publish, retire, sweep
from pipeline.store.versions.withdrawn import withdrawn, write_withdrawn
from serving_signatures.provenance import digest_of_files, file_digests

Elsewhere = Callable[[Version, Sequence[Version], Collection[str]], None]
"""Goes back where else the models of a serving folder are served: gets the version that is gone back to, all versions,
and the digests of the models that are out of service then."""


@dataclass(frozen=True)
class Rollback:
    """What came of a rollback."""

    target: int
    """The version that was gone back to."""

    live: int
    """The number under which its model is live now."""

    withdrawn: dict[str, int]
    """Models that this rollback took out of service: their newest version, by digest."""

    blessed: Blessed | None
    """What became of the blessings; None if there is no metadata store on this machine."""


def default_target(serving_dir: str) -> int:
    """The newest version with another model than the live one that no rollback took out of service.

    To be asked for before any wait for a run: what that run pushes meanwhile was made live by nobody who saw it, and
    must not turn the version that one wants to get rid of into the one that is gone back to.

    Args:
        serving_dir: The serving folder, local or remote.

    Returns:
        Its number.

    Raises:
        ModelError: There is none.
        OutputError: The folder cannot be read.
    """
    with reading(serving_dir):
        kept, out = _kept(serving_dir), withdrawn(serving_dir)
        not_fitting = {*out, kept[-1].digest}
        fitting = [version.number for version in kept if version.digest not in not_fitting]
    if not fitting:
        raise _nothing_fits(serving_dir, kept, "other model that was not withdrawn")
    return fitting[-1]


def roll_back(
    serving_dir: str, keep_versions: int, metadata_path: str | None, number: int, elsewhere: Elsewhere | None = None
) -> Rollback:
    """Makes an older version's model live again, and takes out of service what was first pushed after it.

    Killed on the way, or failed elsewhere, it can be run again: publishing comes last, so that until then the default
    target is the same.

    Args:
        serving_dir: The serving folder, local or remote.
        keep_versions: Models to keep, the live one among them.
        metadata_path: The pipeline's local metadata store; it may be missing. None: the pipeline has none.
        number: The version to go back to.
        elsewhere: What goes back too, before the folder does.

    Raises:
        ModelError: There is no such version, or it was damaged since it was pushed.
        OutputError: The folder cannot be written; what was live still is.
    """
    with writing(serving_dir), locked(serving_dir) as is_alone:
        sweep(serving_dir, is_alone)
        kept, out = _kept(serving_dir), withdrawn(serving_dir)
        target = _target(serving_dir, kept, number)
        digests = {version.number: version.digest for version in kept}
        files, digest = file_digests(target.path), digests[target.number]
        if digest_of_files(files) != digest:
            raise ModelError(
                f"{target.path} is not what was pushed: its files have changed. `perennial versions list` shows the "
                "others."
            )
        newer = {digests[v.number]: v.number for v in kept if v.origin > target.origin and digests[v.number] != digest}
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        now_out = out | {each: WithdrawnModel(version=v, at=at) for each, v in newer.items() if each not in out}
        now_out.pop(digest, None)
        if now_out != out:
            write_withdrawn(serving_dir, now_out)
        if elsewhere is not None:
            elsewhere(target, kept, now_out)
        blessed = None
        if metadata_path is not None and os.path.exists(metadata_path):
            blessed = bless_again(metadata_path, kept, digest, now_out)
        if digest == digests[kept[-1].number]:
            live = kept[-1].number
        else:
            record = PushRecord(origin=target.origin, rolled_back_to=target.number, source=target.record.source)
            live, _ = publish(target.path, files, serving_dir, record)
        retire(serving_dir, keep_versions)
        taken_out = {each: v for each, v in newer.items() if each not in out}
        return Rollback(target.number, live, taken_out, blessed)


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
