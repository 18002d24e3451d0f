"""Reads a model's item embeddings, and shows them: a map, neighbours, and the changes between two models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.report.charts.drawing import COLOURS, canvas

_BLOCK = 1024
"""Items to read, or to compare with the catalogue, at once; bounds memory."""

_DRAWN = 5000
"""Items on a map, evenly chosen from the catalogue: each is an element of the SVG, and more would cover each other."""


@dataclass(frozen=True)
class EmbeddingMap:
    """A model's embeddings of all items.

    Attributes:
        item_id: [items], in catalogue order.
        title: [items].
        embedding: [items, dim] float32 of unit length; zero for an item that the model has no embedding for.
    """

    item_id: list[str]
    title: list[str]
    embedding: npt.NDArray[np.float32]


def read_places(model: str) -> EmbeddingMap:
    """Reads all items of a SavedModel through its signatures.

    Args:
        model: The SavedModel's folder.
    """
    ask = tf.saved_model.load(model).signatures
    items: list[str] = []
    titles: list[str] = []
    embeddings, total = [], 1
    while len(items) < total:
        first = len(items)
        page = ask["catalogue"](offset=tf.constant([first], tf.int64), limit=tf.constant([_BLOCK], tf.int64))
        total = int(page["total"][0])
        items += [item.decode() for item in page["item_id"].numpy()]
        titles += [title.decode() for title in page["title"].numpy()]
        index = tf.range(first, len(items), dtype=tf.int64)
        embeddings.append(ask["embed_item_indices"](index=index)["embedding"].numpy())
    embedding = np.concatenate(embeddings)
    length = np.linalg.norm(embedding, axis=1, keepdims=True)
    return EmbeddingMap(items, titles, (embedding / np.where(length > 0, length, 1)).astype(np.float32))


def flatten(embedding: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Projects the items onto their first two principal components, the plane on which they differ most.

    Args:
        embedding: [items, dim].

    Returns:
        [items, 2].
    """
    centred = embedding - embedding.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)  # in rising order of variance
    flat: npt.NDArray[np.float32] = centred @ vectors[:, :-3:-1]
    return flat


def map_chart(places: EmbeddingMap, named: list[str]) -> str:
    """Draws the catalogue on its plane, with the titles of some items.

    Args:
        places: The model's embeddings.
        named: Ids of the items whose titles are shown.

    Returns:
        An `<svg>` element.
    """
    flat = flatten(places.embedding)
    description = (
        f"A map of {len(flat)} items; similar items are close together. Items with a title: "
        f"{', '.join(_titles(places, named))}"
    )
    with canvas("map", description, 4.6) as drawn:
        axes = drawn.axes()
        axes.set_title("The catalogue: similar items are close together")
        axes.scatter(*flat[:: 1 + len(flat) // _DRAWN].T, s=9, color=COLOURS["model"], alpha=0.35, linewidths=0)
        row = {item: n for n, item in enumerate(places.item_id)}
        for item, title in zip(named, _titles(places, named), strict=True):
            x, y = flat[row[item]]
            axes.plot([x], [y], marker="o", markersize=5, color=COLOURS["ink"])
            axes.annotate(title, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7.5)
        axes.set_xticks([])
        axes.set_yticks([])
    return drawn.svg


def neighbours(places: EmbeddingMap, k: int) -> npt.NDArray[np.int64]:
    """Finds each item's nearest neighbours by cosine.

    Args:
        places: The model's embeddings.
        k: The number of neighbours; fewer if the catalogue is smaller.

    Returns:
        [items, k] indices into the catalogue, nearest first.
    """
    return np.concatenate(list(_nearest(places.embedding, min(k, len(places.item_id) - 1))))


def moved(before: EmbeddingMap, after: EmbeddingMap, k: int = 10) -> list[dict[str, object]]:
    """Finds the items whose neighbours changed most between two models, among the items that both models have.

    Args:
        before: The older model's embeddings.
        after: The newer model's embeddings.
        k: The number of neighbours to compare.

    Returns:
        A row for each item: id, title, and the Jaccard index of its neighbours, lowest first.
    """
    known = set(before.item_id)
    shared = [item for item in after.item_id if item in known]
    near = [neighbours(_only(places, shared), k) for places in (before, after)]
    rows: list[dict[str, object]] = []
    titles = dict(zip(after.item_id, after.title, strict=True))
    for item, old, new in zip(shared, *near, strict=True):
        alike = len(np.intersect1d(old, new)) / len(np.union1d(old, new))
        rows.append({"item_id": item, "title": titles[item], f"shared neighbours (Jaccard@{k})": alike})
    return sorted(rows, key=lambda row: float(str(row[f"shared neighbours (Jaccard@{k})"])))


def _nearest(embedding: npt.NDArray[np.float32], k: int) -> Iterator[npt.NDArray[np.int64]]:
    for first in range(0, len(embedding), _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, len(embedding)))
        score = embedding[rows] @ embedding.T
        score[np.arange(len(rows)), rows] = -np.inf
        yield np.argsort(-score, axis=1, kind="stable")[:, :k]


def _only(places: EmbeddingMap, items: list[str]) -> EmbeddingMap:
    row = {item: n for n, item in enumerate(places.item_id)}
    rows = [row[item] for item in items]
    return EmbeddingMap(items, [places.title[n] for n in rows], places.embedding[rows])


def _titles(places: EmbeddingMap, items: list[str]) -> list[str]:
    title = dict(zip(places.item_id, places.title, strict=True))
    return [title[item] for item in items]
