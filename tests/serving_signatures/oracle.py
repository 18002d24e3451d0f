"""Makes a served model with chosen weights, and the same model as dictionaries and loops."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from configs.leave_out import LeaveOut
from documents.provenance import Provenance
from serving_signatures.export import export_model
from serving_signatures.retriever import Retriever, ServedCatalogue
from serving_signatures.served_model import CosineModel
from tests.once import once
from tests.trainer_inputs import TrainerInputs
from transforms import features

DIM = 6
DEFAULT_K = 4


@dataclasses.dataclass(frozen=True)
class Oracle:
    """The content of the model, by id; it shares nothing with the code under test."""

    users: dict[bytes, np.ndarray]
    items: dict[bytes, np.ndarray]
    pooled: dict[bytes, np.ndarray]
    popularity: dict[bytes, float]
    order: list[bytes]

    def user(self, user_id: bytes, history: Sequence[bytes], weight: Sequence[float] | np.ndarray) -> np.ndarray:
        query = self.users.get(user_id, np.zeros(DIM)).astype(np.float64)
        known = [(item, w) for item, w in zip(history, weight, strict=True) if item in self.pooled and 0 < w < np.inf]
        if known:
            total = sum(float(w) for _, w in known)
            query = query + sum(float(w) / total * self.pooled[item] for item, w in known)
        length = np.linalg.norm(query)
        return query / length if length else query

    def score(self, query: np.ndarray, item: bytes) -> float:
        if not query.any():
            return self.popularity[item]
        return float(query @ self.items[item]) if self.items[item].any() else -1.0

    def ranking(
        self, query: np.ndarray, left_out: Sequence[bytes], k: int, width: int | None = None
    ) -> tuple[list[bytes], list[float]]:
        """The best k items and their scores, padded to a width; the default is k."""
        scored = [(item, self.score(query, item)) for item in self.order if item not in left_out]
        return self.padded(sorted(scored, key=lambda pair: -round(pair[1], 5))[:k], k if width is None else width)

    def padded(self, best: Sequence[tuple[bytes, float]], width: int) -> tuple[list[bytes], list[float]]:
        padding = min(width, len(self.order)) - len(best)
        lowest = float(np.finfo(np.float32).min)
        return [item for item, _ in best] + [b""] * padding, [s for _, s in best] + [lowest] * padding


def make_retriever(
    shop: TrainerInputs, default_k: int = DEFAULT_K, leave_out: LeaveOut = "everything"
) -> tuple[Retriever, Oracle]:
    """The model of the shop, with random weights."""
    rng = np.random.default_rng(3)
    interactions_graph = tft.TFTransformOutput(shop.transform_graph_path)
    catalogue_graph = tft.TFTransformOutput(shop.candidates_transform_graph_path)
    users = interactions_graph.vocabulary_by_name(features.USER_VOCABULARY)
    items = catalogue_graph.vocabulary_by_name(features.CATALOGUE_VOCABULARY)
    embedding = rng.normal(size=(len(items), DIM)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    embedding[items.index(b"bare")] = 0
    # Two items with the same embedding: ties are sorted by place.
    embedding[items.index(b"i20")] = embedding[items.index(b"i5")]
    popularity = rng.integers(0, 4, len(items)).astype(np.float32)
    row = np.full(len(items), -1, np.int32)
    met = [place for place, item in enumerate(items) if item not in (b"bare", b"new")]
    row[met] = rng.permutation(len(met))
    pooled = rng.normal(size=(len(met), DIM)).astype(np.float32)
    user_vectors = rng.normal(size=(len(users), DIM)).astype(np.float32)
    user_table, pooled_table = tf.Variable(user_vectors), tf.Variable(pooled)

    def embed_query(user: Any, history: Any, weight: Any) -> Any:
        # Dense, and padded with weights of 0: operations between ragged tensors bring so many assertions that loading
        # the model takes three times as long.
        weight, history = weight.to_tensor(), history.to_tensor()
        # The model promises only that weights are above zero and finite, so they are scaled first.
        weight = tf.math.divide_no_nan(weight, tf.reduce_max(weight, axis=1, keepdims=True))
        mean = tf.math.divide_no_nan(
            tf.reduce_sum(weight[:, :, tf.newaxis] * tf.gather(pooled_table, history), axis=1),
            tf.reduce_sum(weight, axis=1)[:, tf.newaxis],
        )
        is_known = tf.cast(user >= 0, tf.float32)[:, tf.newaxis]
        return tf.math.l2_normalize(is_known * tf.gather(user_table, tf.maximum(user, 0)) + mean, axis=1)

    retriever = Retriever(
        model=CosineModel(embed_query, [user_table, pooled_table], embedding),
        catalogue=ServedCatalogue(
            item_id=np.array(items, object),
            title=np.array([b"Title of " + item for item in items], object),
            popularity=popularity,
            row=row,
        ),
        interactions_graph=interactions_graph,
        catalogue_graph=catalogue_graph,
        default_k=default_k,
        leave_out=leave_out,
    )
    oracle = Oracle(
        users=dict(zip(users, user_vectors, strict=True)),
        items=dict(zip(items, embedding, strict=True)),
        pooled={items[place]: pooled[row[place]] for place in met},
        popularity=dict(zip(items, popularity.tolist(), strict=True)),
        order=items,
    )
    return retriever, oracle


def exported(shop: TrainerInputs) -> Path:
    """Exports the model of the shop once for all tests; `Format-Serving` of a Model artifact, which none may change."""

    def export(folder: Path) -> None:
        export_model(make_retriever(shop)[0], str(folder / "Format-Serving"), Provenance(pipeline="shop"))

    return once("exported-shop", export) / "Format-Serving"
