"""Replaces single files of versions that are published: each is there whole, the old one or the new one.

Almost everything in a version never changes. What does is `push.json`, here, and the histories, in `forget`.
"""

import contextlib
import logging
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from common.atomicity import is_local, new_file
from documents.document import Document
from pipeline.store.versions.folder import Version
from pipeline.store.versions.publish import working_name

_logger = logging.getLogger("perennial.pusher")


@contextlib.contextmanager
def replaced(folder: str, file: str) -> Iterator[str]:
    """Lets a block write a file of a version, and puts it in its place when the block has ended.

    Args:
        folder: The version's folder, local or remote.
        file: The file's path below it.

    Yields:
        The local path that the block writes to.

    Raises:
        OSError: The file cannot be written; the old one stays.
        tf.errors.OpError: The same, for a remote folder.
    """
    place = posixpath.join(folder, file)
    # Beside the version, where a later push removes it: a kill must leave nothing in a model.
    work_dir = working_name(posixpath.dirname(folder)) if is_local(place) else None
    try:
        with new_file(place, durable=True, work_dir=work_dir) as path:
            yield path
    finally:
        if work_dir is not None:
            shutil.rmtree(work_dir, ignore_errors=True)


def write_document(folder: str, document: Document) -> None:
    """Replaces a document of a version; see `replaced`."""
    with replaced(folder, document.FILE) as path:
        Path(path).write_text(document.to_json(), encoding="utf-8")


def note_source(version: Version, source: str) -> None:
    """Records a newer path of a model that is live already. Call it under `locked`.

    The artifact that it was pushed from may be deleted because of its age, long before the model is replaced.

    Args:
        version: The live version.
        source: The SavedModel, local or remote.
    """
    if version.record.source == source:
        return
    known = {"model_digest": version.digest, "pushed_at": version.pushed_at, "source": source}
    try:
        write_document(version.path, version.record.model_copy(update=known))
    except (OSError, tf.errors.OpError) as e:
        # The model is live, and the path that it was first pushed from is still recorded.
        _logger.warning("version %d: its new path %s cannot be recorded: %s", version.number, source, e)
