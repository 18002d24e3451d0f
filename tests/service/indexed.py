"""Makes snapshots with an index, and answers by float64 products of everything with everything."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from configs.service.index import Index
from service.backends.backend import Backend
from service.snapshot.document import EMBEDDING_FILE
from service.snapshot.index import make_index
from service.snapshot.model import Asked, write_popularity, write_unembedded
from service.snapshot.prepare import complete
from service.snapshot.snapshot import Snapshot
from tests.service.snapshots import Item, write_version

KINDS = {"shelf": "category"}
RECALL = 0.95


def random_items(n: int, dim: int = 16, seed: int = 4) -> np.ndarray:
    """Unit vectors float32 `[n, dim]` whose dimensions matter less and less, as those of trained embeddings do."""
    vectors = np.random.default_rng(seed).normal(size=(n, dim)) / np.sqrt(np.arange(1, dim + 1))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def items_with_gaps(n: int = 4000) -> np.ndarray:
    """Items of which one in ten has no embedding, and 30 have the same one."""
    embedding = random_items(n)
    embedding[::10] = 0
    embedding[1001:1301:10] = embedding[1001]
    return embedding


def indexed_snapshot(
    folder: Path, embedding: np.ndarray, shelves: Sequence[str] | None = None, recall: float = RECALL
) -> Snapshot:
    """The snapshot of a version without users, whose model says this, with the index that `prepare` makes."""
    n = len(embedding)
    item_ids = [f"i{place}" for place in range(n)]
    items = [
        Item(item_id, features={"shelf": [shelf]}) for item_id, shelf in zip(item_ids, shelves or "a" * n, strict=True)
    ]
    version, made = write_version(folder / "version", items, KINDS), folder / "made"
    made.mkdir()
    write_popularity(made, (np.arange(n) / n).astype(np.float32))
    np.save(made / EMBEDDING_FILE, embedding)
    write_unembedded(made, embedding)
    asked = Asked(item_ids, item_ids, embedding.shape[1])
    nobody_asks = cast(Backend, None)
    index = asyncio.run(make_index(Index(exact_items=1000, recall=recall), version, nobody_asks, made, asked, 1.0))
    complete(made, version, asked, "source", index)
    return Snapshot.open(made)


def exact_ranking(embedding: np.ndarray, vector: np.ndarray, left_out: Any = ()) -> list[int]:
    """All places with an embedding but some, by cosine, ties by place."""
    cosines = (embedding.astype(np.float64) @ vector.astype(np.float64)).astype(np.float32)
    out = set(left_out)
    places = [place for place in np.flatnonzero(embedding.any(axis=1)).tolist() if place not in out]
    return sorted(places, key=lambda place: (-cosines[place], place))
