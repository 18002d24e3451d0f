"""Makes the index of a snapshot, if the catalogue is large and an index finds enough of it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from configs.service.index import Index
from service.backends.backend import Backend
from service.index.build import write_lists
from service.index.lists import Lists
from service.index.recall import QUERIES, Sample, least_for
from service.snapshot.document import EMBEDDING_FILE, INDEX_FOLDER, SAMPLES_FOLDER, UNEMBEDDED_FILE, IndexMade
from service.snapshot.model import Asked
from service.snapshot.queries import ask_users, find_users

_LARGEST_SHARE = 4
"""If more than one in so many items must be compared, exact search costs about the same, as it takes the queries of a
batch together."""

_TOO_FEW = 20
"""Users by whom nothing is measured: the mean recall of so few is known to no more than 0.01."""


async def make_index(
    settings: Index,
    version_folder: str | Path,
    backend: Backend,
    folder: str | Path,
    asked: Asked,
    timeout_seconds: float,
) -> IndexMade:
    """Makes the index, and chooses by some real queries how much of it is searched.

    Others are kept: the index is measured by them whenever it is opened.

    Args:
        settings: What is asked of it.
        version_folder: The version.
        backend: Its model.
        folder: The snapshot's folder, with the model's arrays.
        asked: What the model said beside them.
        timeout_seconds: Time for one question to the model.

    Returns:
        What was decided.

    Raises:
        OutputError: A document of the version is damaged.
        BackendError: The model did not answer.
        OSError: A file cannot be read or written.
    """
    if asked.dim is None:
        return IndexMade(settings=settings, least=None, reason="the model has no embeddings")
    root = Path(folder)
    embedding = np.load(root / EMBEDDING_FILE, mmap_mode="r")
    unembedded = np.load(root / UNEMBEDDED_FILE)
    embedded = len(embedding) - len(unembedded)
    if embedded <= settings.exact_items:
        return IndexMade(settings=settings, least=None, reason="the catalogue is small")
    samples = {"items": _items(embedding, unembedded)}
    vectors, left_out = await ask_users(backend, find_users(version_folder, QUERIES), asked.item_ids, timeout_seconds)
    if len(vectors) > _TOO_FEW:
        samples["users"] = Sample.of(embedding, unembedded, vectors, left_out)
    write_lists(root / INDEX_FOLDER, embedding, unembedded)
    lists = Lists(root / INDEX_FOLDER)
    chosen_by, kept = {}, {}
    for kind, sample in samples.items():
        chosen_by[kind], kept[kind] = sample.split()
    least = max(least_for(lists, sample, settings.recall) for sample in chosen_by.values())
    if least * _LARGEST_SHARE > embedded:
        share = f"{least / embedded:.0%} of the items would have to be compared"
        return IndexMade(settings=settings, least=None, reason=f"for a recall of {settings.recall:g}, {share}")
    (root / SAMPLES_FOLDER).mkdir()
    for kind, sample in kept.items():
        sample.write(root / SAMPLES_FOLDER / f"{kind}.npz")
    return IndexMade(settings=settings, least=least, reason="")


def _items(embedding: npt.NDArray[np.float32], unembedded: npt.NDArray[np.int32]) -> Sample:
    """Items as `similar` asks for their neighbours: evenly chosen, and each leaves itself out."""
    embedded = np.setdiff1d(np.arange(len(embedding), dtype=np.int32), unembedded)
    asked = embedded[np.linspace(0, len(embedded) - 1, QUERIES).astype(np.int64)]
    return Sample.of(embedding, unembedded, embedding[asked], asked[:, np.newaxis])
