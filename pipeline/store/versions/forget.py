"""Takes users out of the histories that the versions of a serving folder hold.

The models are not changed: `perennial forget` says what a person must do about them. A process that has read a version
before still has the histories in memory.
"""

import posixpath
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf

from common.errors import OutputError
from documents.service_data import HISTORIES_FILE, USER_ID, Histories, ServiceData
from pipeline.ground.local_copy import local_copy
from pipeline.ground.parquet import read_tables, write_tables
from pipeline.store.versions.files import writing
from pipeline.store.versions.folder import numbers
from pipeline.store.versions.in_place import replaced, write_document
from pipeline.store.versions.publish import locked, remove_leftovers


def forget(serving_dir: str, users: Collection[str]) -> list[int]:
    """Takes users out of all histories in a serving folder.

    In each version the file of histories is replaced as a whole, and then the document that counts its users. If it is
    killed, it can be run again. An unfinished version is covered too, of which a push may still be writing the copy
    elsewhere: that push then fails, because its copy differs, and can be run again.

    Args:
        serving_dir: The serving folder, local or remote; it may be missing.
        users: Their ids, as the log's config reads them.

    Returns:
        The numbers of the versions that held one of them.

    Raises:
        OutputError: The folder cannot be read or written; the versions up to there are done.
    """
    with writing(serving_dir), locked(serving_dir) as is_alone:
        # They may hold histories, too.
        remove_leftovers(serving_dir, is_alone)
        return [n for n in numbers(serving_dir) if _forget(posixpath.join(serving_dir, str(n)), users)]


def _forget(folder: str, users: Collection[str]) -> bool:
    """Takes users out of one version; returns whether it held one of them."""
    place = posixpath.join(folder, HISTORIES_FILE)
    if not tf.io.gfile.exists(place):
        return False
    forgotten = pa.array(list(users), pa.string())
    with local_copy(place) as path, _readable(place):
        ids = pq.read_table(path, columns=[USER_ID]).column(USER_ID)
        left = len(ids) - (pc.sum(pc.is_in(ids, value_set=forgotten)).as_py() or 0)
        if left < len(ids):
            with replaced(folder, HISTORIES_FILE) as unfinished:
                write_tables(unfinished, pq.read_schema(path), _others(path, forgotten))
    # Also if nobody was there: a run of this function may have been killed before it came here.
    document = ServiceData.find(folder)
    if document is not None and document.histories is not None and document.histories.users != left:
        histories = Histories(users=left, max_items=document.histories.max_items)
        write_document(folder, document.model_copy(update={"histories": histories}))
    return left < len(ids)


@contextmanager
def _readable(place: str) -> Iterator[None]:
    """Explains a file that is no Parquet."""
    try:
        yield
    except pa.ArrowInvalid as e:
        raise OutputError(f"{place} is damaged: {e}. {ServiceData.TO_DO}") from e


def _others(path: str, forgotten: pa.Array) -> Iterator[pa.Table]:
    for table in read_tables(path):
        yield table.filter(pc.invert(pc.is_in(table.column(USER_ID), value_set=forgotten)))
