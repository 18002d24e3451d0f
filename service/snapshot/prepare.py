"""Makes the snapshot of a version: once, in a process of its own, for it takes seconds in which nothing else runs."""

from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from common.atomicity import new_folder
from common.errors import ModelError, OutputError
from configs.leave_out import LeaveOut
from configs.service.index import Index
from documents import service_data
from documents.provenance import Provenance
from service.backends.backend import Backend
from service.snapshot import document
from service.snapshot.document import IndexMade, SnapshotDocument
from service.snapshot.histories import write_histories
from service.snapshot.index import make_index
from service.snapshot.items import write_items
from service.snapshot.model import Asked, ask_model
from service.snapshot.source import digest_of
from service.snapshot.titles import write_titles


async def prepare(
    version_folder: str | Path,
    backend: Backend,
    folder: str | Path,
    *,
    index: Index | None = None,
    timeout_seconds: float = 60.0,
) -> SnapshotDocument:
    """Makes a snapshot of a version, unless the folder holds it already.

    Args:
        version_folder: The pushed version, on this machine. `documents.service_data` may be missing in it.
        backend: The version's model.
        folder: Where the snapshot belongs, on this machine; another one is replaced. It appears whole or not at all.
        index: What is asked of the index; None for none.
        timeout_seconds: Time for one page of what the model is asked for. Default 60: a page takes milliseconds, the
            first one of a signature a second.

    Returns:
        What the snapshot holds.

    Raises:
        ModelError: The model's answers or the version's files cannot be used.
        OutputError: A document of the version is damaged.
        BackendError: The model did not answer.
        OSError: A file cannot be read or written.
    """
    source = digest_of(version_folder)
    found = _found(folder)
    if found is not None and (found.source, _settings(found.index)) == (source, index):
        return found
    with new_folder(folder, commit_file=SnapshotDocument.FILE) as unfinished:
        asked = await ask_model(backend, unfinished, timeout_seconds)
        made = None
        if index is not None:
            made = await make_index(index, version_folder, backend, unfinished, asked, timeout_seconds)
        return complete(unfinished, version_folder, asked, source, made)


def complete(
    folder: str | Path, version_folder: str | Path, asked: Asked, source: str, index: IndexMade | None = None
) -> SnapshotDocument:
    """Writes everything but the model's arrays and the index, which are there already.

    Args:
        folder: The snapshot's folder.
        version_folder: The version.
        asked: What the model said.
        source: The version's digest.
        index: What was decided about the index.

    Returns:
        The document, which is written last.

    Raises:
        ModelError: As `prepare`.
        OutputError: As `prepare`.
        OSError: As `prepare`.
    """
    data = service_data.ServiceData.find(version_folder)
    items = None if data is None else Path(version_folder, service_data.ITEMS_FILE)
    features = {} if data is None else data.features
    titles = write_items(Path(folder, document.ITEMS_FILE), items, asked.item_ids, asked.titles, features)
    by_popularity = np.load(Path(folder, document.BY_POPULARITY_FILE))
    write_titles(Path(folder, document.TITLES_FILE), (titles[place] for place in by_popularity.tolist()))
    users = None
    if data is not None and data.histories is not None:
        histories = Path(version_folder, service_data.HISTORIES_FILE)
        users = write_histories(Path(folder, document.HISTORIES_FILE), histories, asked.item_ids)
    made = SnapshotDocument(
        source=source,
        items=len(asked.item_ids),
        dim=asked.dim,
        has_neighbours=asked.has_neighbours,
        features=dict(features),
        is_timed=data is not None and data.is_timed,
        users=users,
        leave_out=_leave_out(version_folder),
        index=index,
    )
    made.write(folder)
    return made


def _found(folder: str | Path) -> SnapshotDocument | None:
    try:
        return SnapshotDocument.find(folder)
    except OutputError:  # damaged, or of another release: it is made anew
        return None


def _settings(made: IndexMade | None) -> Index | None:
    return None if made is None else made.settings


def _leave_out(version_folder: str | Path) -> LeaveOut:
    """The model's rule; everything is left out by a model that does not record one, as by an export without one."""
    provenance = Provenance.find(version_folder)
    if provenance is None or provenance.leave_out is None:
        return "everything"
    try:
        rule: LeaveOut = TypeAdapter(LeaveOut).validate_python(provenance.leave_out)
    except ValidationError as e:
        raise ModelError(
            f"{Path(version_folder, Provenance.FILE)}: leave_out {provenance.leave_out!r} is no rule that this release "
            "knows. Upgrade Perennial, or roll back to another version."
        ) from e
    return rule
