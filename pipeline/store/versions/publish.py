"""Publishes a model in a serving folder as a new version, whole or not at all.

It uses the two protocols of `common.atomicity`; servers wait for `saved_model.pb`. This module adds what a serving
folder needs besides: it verifies a copy before it becomes live, gives each number to one push only, and removes what
dead pushes left. Numbers only grow, even for two pushes in one second or after a clock was set back, because servers
treat the highest number as the newest version.
"""

import contextlib
import errno
import fcntl
import logging
import os
import posixpath
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import tensorflow as tf

from common.atomicity import (
    copy_files,
    is_local,
    original,
    put_new,
    remove_folder,
    sync,
    temporary,
    write_text,
)
from common.errors import ModelError, OutputError
from documents.push_record import PushRecord
from pipeline.store.versions.folder import names, numbers, versions
from serving_signatures.export import SAVED_MODEL
from serving_signatures.provenance import digest_of_files, file_digests

_CLAIMS = ".claims"
"""Folder for claims on object stores, which have no rename: `<number>/<claim>` for each push that wants a number.

Old claims are removed.
"""

_DEAD_AFTER_SECONDS = 24 * 3600
"""Age at which a leftover counts as dead if no lock can tell: from another machine, or where locks do not work."""

_now = time.time
_logger = logging.getLogger("perennial.pusher")


@dataclass(frozen=True)
class Files:
    """Files to copy into a version."""

    folder: str
    """The folder that holds them, local or remote."""

    digests: Mapping[str, str]
    """SHA-256 of each file, by its path below the folder, which is also its path in the version."""


@contextlib.contextmanager
def locked(serving_dir: str) -> Iterator[bool]:
    """Locks a serving folder against other pushes from this machine while the block runs; creates the folder.

    The kernel releases the lock however its holder ends. Pushes from other machines need no lock: if two rename to one
    number, one of them fails and takes the next number; on an object store, each push claims its number first.

    Yields:
        Whether this is surely the only push from this machine; False on object stores and on network file systems that
        have no locks.
    """
    if not is_local(serving_dir):
        yield False
        return
    Path(serving_dir).mkdir(parents=True, exist_ok=True)
    handle = os.open(serving_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        is_alone = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as e:
            if e.errno not in (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP):  # no locks on folders here
                raise
            is_alone = False
        yield is_alone
    finally:
        os.close(handle)


def publish(model: Files, serving_dir: str, record: PushRecord, beside: Files | None = None) -> tuple[int, str]:
    """Makes a model live. Call it under `locked`.

    Args:
        model: The SavedModel.
        serving_dir: The serving folder, local or remote.
        record: What to record in the version, besides `model_digest` and `pushed_at`.
        beside: More files of the version.

    Returns:
        The new version's number and folder.

    Raises:
        ModelError: There is no SavedModel at `source`.
        OutputError: The copy differs from the source.
        OSError: The folder cannot be written; no half-written version is left under a number.
        tf.errors.OpError: The same, on an object store.
    """
    digests = {path: digest for path, digest in model.digests.items() if path != PushRecord.FILE}
    if SAVED_MODEL not in digests:
        raise ModelError(f"there is no model at {model.folder}: {SAVED_MODEL} is missing. Run the pipeline again.")
    pushed_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    text = record.model_copy(update={"model_digest": digest_of_files(digests), "pushed_at": pushed_at}).to_json()
    parts = [Files(model.folder, digests)] + ([] if beside is None else [beside])
    if is_local(serving_dir):
        version = _publish_here(parts, Path(serving_dir), text)
    else:
        version = _publish_there(parts, serving_dir, text)
    return version, posixpath.join(serving_dir, str(version))


def _next_number(serving_dir: str) -> int:
    taken = [*numbers(serving_dir), *numbers(posixpath.join(serving_dir, _CLAIMS))]
    return max(int(_now()), max(taken, default=-1) + 1)


def _claimed_number(serving_dir: str) -> int:
    """Claims a number that no other push ever writes to.

    Each push writes its claim before it looks for other claims: if two want one number at the same time, the later one
    sees both claims. A claim stays for longer than any push takes, so that a delayed push sees it too.
    """
    while True:
        version = _next_number(serving_dir)
        claims = posixpath.join(serving_dir, _CLAIMS, str(version))
        write_text(posixpath.join(claims, uuid.uuid4().hex), socket.gethostname())
        if len(names(claims)) == 1:
            return version


def _publish_here(parts: list[Files], serving_dir: Path, record: str) -> int:
    unfinished = working_name(str(serving_dir))
    try:
        for part in parts:
            copy_files(part.folder, part.digests, unfinished, durable=True)
        _require_equal(file_digests(unfinished), parts, str(serving_dir))
        write_text(posixpath.join(unfinished, PushRecord.FILE), record, durable=True)
        sync(unfinished)
        version = _next_number(str(serving_dir))
        while not put_new(unfinished, serving_dir / str(version)):  # another machine took the number: take the next
            version = _next_number(str(serving_dir))
        return version
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _publish_there(parts: list[Files], serving_dir: str, record: str) -> int:
    version = _claimed_number(serving_dir)
    folder = posixpath.join(serving_dir, str(version))
    data = [
        Files(part.folder, {path: digest for path, digest in part.digests.items() if path != SAVED_MODEL})
        for part in parts
    ]
    try:
        for part in data:
            copy_files(part.folder, part.digests, folder)
        _require_equal(file_digests(folder), data, serving_dir)
        write_text(posixpath.join(folder, PushRecord.FILE), record)
        copy_files(parts[0].folder, [SAVED_MODEL], folder)
    except (OutputError, OSError, tf.errors.OpError):
        remove_folder(folder, SAVED_MODEL)
        raise
    return version


def _require_equal(received: Mapping[str, str], parts: list[Files], serving_dir: str) -> None:
    wanted = {path: digest for part in parts for path, digest in part.digests.items()}
    if received != wanted:
        different = sorted(path for path in {*received, *wanted} if received.get(path) != wanted.get(path))
        raise OutputError(
            f"{serving_dir}: {len(different)} file(s) of the new version differ from the source, such as "
            f"{different[0]}. The live version stays live. Check the disk, and run again."
        )


def retire(serving_dir: str, keep_versions: int) -> list[int]:
    """Removes all but the newest models. Each version disappears from its number at once; the live one stays.

    It counts models, not numbers: a rollback publishes an existing model under a second number, and a person who rolls
    back step by step must not lose the older models.

    Args:
        serving_dir: The serving folder, local or remote.
        keep_versions: How many models stay, each under its newest number; 1 or more.

    Returns:
        The removed numbers.
    """
    retired, kept = [], set[str]()
    for version in reversed(versions(serving_dir)):
        try:
            digest = version.digest
            if digest not in kept and len(kept) < keep_versions:
                kept.add(digest)
                continue
            remove_folder(version.path, SAVED_MODEL, leaving=working_name(serving_dir))
            retired.append(version.number)
        except (OSError, tf.errors.OpError) as e:
            # The new version is live; an old one that cannot be removed must not make the push fail.
            _logger.warning("version %d is no longer needed but cannot be removed: %s", version.number, e)
    return sorted(retired)


def remove_leftovers(serving_dir: str, is_alone: bool) -> None:
    """Removes what killed pushes left, and nothing that a running push may still be writing.

    Args:
        serving_dir: The serving folder, local or remote.
        is_alone: The value that `locked` yielded.
    """
    dead = _now() - _DEAD_AFTER_SECONDS
    # Another machine's push may just have finished the version or removed the leftover itself.
    gone = contextlib.suppress(FileNotFoundError, tf.errors.NotFoundError)
    if not is_local(serving_dir):
        for parent in (serving_dir, posixpath.join(serving_dir, _CLAIMS)):
            for number in numbers(parent):
                folder = posixpath.join(parent, str(number))
                if number < dead and not tf.io.gfile.exists(posixpath.join(folder, SAVED_MODEL)):
                    with gone:
                        tf.io.gfile.rmtree(folder)
        return
    for name in names(serving_dir):
        if host := original(name):
            leftover = Path(serving_dir, name)
            with gone:
                if (is_alone and host == socket.gethostname()) or leftover.stat().st_mtime < dead:
                    shutil.rmtree(leftover, ignore_errors=True)


def working_name(serving_dir: str) -> str:
    """Returns a path in a serving folder that nobody uses, for what is being written or removed.

    Servers ignore it, because its name is no number; `remove_leftovers` removes what a killed process leaves there.
    """
    return temporary(posixpath.join(serving_dir, socket.gethostname()))
