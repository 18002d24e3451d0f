"""Asks a model for what a snapshot holds of it: the catalogue, the embeddings, and the scores of nobody."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from service.backends.backend import Backend, BackendRefusedError, Tensor
from service.snapshot.document import BY_POPULARITY_FILE, EMBEDDING_FILE, POPULARITY_FILE, UNEMBEDDED_FILE
from service.snapshot.neighbours import MOST_ITEMS, write_neighbours

_ITEMS_A_PAGE = 1000
"""Ids and titles in one answer: some 100 kB."""

_BYTES_A_PAGE = 2 << 20
"""Embeddings in one answer: half of gRPC's default limit of 4 MiB for a message."""

_LENGTH_TOLERANCE = 1e-3
"""How far the length of an embedding may be from 1: that of float16's rounding."""

NOBODY = {
    "user_id": np.array([b""], object),
    # Padding, because an input of no width has no type in JSON.
    "history": np.array([[b""]], object),
    "history_weight": np.ones([1, 1], np.float32),
}
"""The query of a user about whom nothing is known."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the model says, beside the arrays that are written.

    Attributes:
        item_ids: The catalogue in its order.
        titles: The model's titles.
        dim: Numbers in an embedding; None if the model has none.
        has_neighbours: Whether a table of neighbours was written.
    """

    item_ids: list[str]
    titles: list[str]
    dim: int | None
    has_neighbours: bool = False


class _Model:
    """The model with a time for each question."""

    def __init__(self, backend: Backend, timeout_seconds: float) -> None:
        self._backend, self._timeout_seconds = backend, timeout_seconds

    async def ask(self, signature: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return await self._backend.predict(signature, inputs, timeout_seconds=self._timeout_seconds)

    async def has(self, signature: str, inputs: Mapping[str, Tensor]) -> bool:
        try:
            await self.ask(signature, inputs)
        except BackendRefusedError:
            return False
        return True


async def ask_model(backend: Backend, folder: str | Path, timeout_seconds: float) -> Asked:
    """Asks for everything, in pages, and writes the arrays of `service.snapshot.document`.

    Args:
        backend: The model.
        folder: The snapshot's folder.
        timeout_seconds: Time for one page.

    Returns:
        What is no array.

    Raises:
        ModelError: The model has no items, or its answers do not fit together.
        BackendError: The model did not answer.
        OSError: An array cannot be written.
    """
    model = _Model(backend, timeout_seconds)
    item_ids, titles = await _catalogue(model)
    popularity = (await model.ask("scores", NOBODY))["score"]
    if popularity.shape != (1, len(item_ids)):
        raise ModelError(f"scores: expected shape [1, {len(item_ids)}], as catalogue says; received {popularity.shape}")
    write_popularity(folder, popularity[0])
    first = {"index": np.zeros(1, np.int64)}
    if not (await model.has("embed_users", NOBODY) and await model.has("embed_item_indices", first)):
        one = {"item_id": np.array([item_ids[0].encode()], object), "k": np.ones(1, np.int32)}
        has_neighbours = len(item_ids) <= MOST_ITEMS and await model.has("similar_items", one)
        if has_neighbours:
            await write_neighbours(model.ask, folder, item_ids)
        return Asked(item_ids, titles, None, has_neighbours)
    dim = int((await model.ask("embed_item_indices", first))["embedding"].shape[1])
    await _write_embeddings(model, folder, len(item_ids), dim)
    return Asked(item_ids, titles, dim)


def write_popularity(folder: str | Path, popularity: npt.NDArray[np.float32]) -> None:
    """Writes the scores of nobody float32 `[items]`, and the order that they give."""
    np.save(Path(folder, POPULARITY_FILE), popularity.astype(np.float32))
    np.save(Path(folder, BY_POPULARITY_FILE), np.argsort(-popularity, kind="stable").astype(np.int32))


def write_unembedded(folder: str | Path, embedding: npt.NDArray[np.float32]) -> None:
    """Checks embeddings float32 `[items, dim]` and writes the places of those that are zero.

    Raises:
        ModelError: An embedding has neither length 1 nor 0, so that products are no cosines.
    """
    length = np.linalg.norm(embedding, axis=1)
    # Written so that a length which is not a number is refused, too.
    if not bool(np.all((length == 0) | (np.abs(length - 1) <= _LENGTH_TOLERANCE))):
        raise ModelError(
            "embed_item_indices: an embedding has neither length 1 nor 0, but the service ranks by cosines. Export the "
            "model with normalised embeddings."
        )
    np.save(Path(folder, UNEMBEDDED_FILE), np.flatnonzero(length == 0).astype(np.int32))


async def _catalogue(model: _Model) -> tuple[list[str], list[str]]:
    item_ids: list[str] = []
    titles: list[str] = []
    total = 1
    while len(item_ids) < total:
        page = await model.ask(
            "catalogue", {"offset": np.array([len(item_ids)], np.int64), "limit": np.array([_ITEMS_A_PAGE], np.int64)}
        )
        if not len(page["item_id"]):
            raise ModelError(f"catalogue: no items from {len(item_ids)} on, of {total} or more")
        item_ids += [item_id.decode() for item_id in page["item_id"]]
        # Titles are for people: one byte that is no UTF-8 must not keep a version from being served.
        titles += [title.decode(errors="replace") for title in page["title"]]
        total = int(page["total"][0])
    return item_ids, titles


async def _write_embeddings(model: _Model, folder: str | Path, items: int, dim: int) -> None:
    path, rows = Path(folder, EMBEDDING_FILE), max(_BYTES_A_PAGE // (4 * dim), 1)
    embedding = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(items, dim))
    for start in range(0, items, rows):
        index = np.arange(start, min(start + rows, items), dtype=np.int64)
        embedding[index] = (await model.ask("embed_item_indices", {"index": index}))["embedding"]
    embedding.flush()
    write_unembedded(folder, embedding)
