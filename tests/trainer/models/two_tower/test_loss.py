"""The loss against tfrs.tasks.Retrieval, which holds the whole [batch, batch] matrix."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

from trainer.models.two_tower.loss import InBatchSoftmax

BATCH, ITEMS, DIM = 32, 9, 4


@pytest.fixture
def batch() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)

    def unit(rows: int) -> np.ndarray:
        vectors = rng.normal(size=(rows, DIM))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    target = np.concatenate([np.arange(ITEMS), rng.integers(0, 3, BATCH - ITEMS)])
    return {
        "query": unit(BATCH),
        "item": unit(ITEMS),
        "target": target.astype(np.int32),
        "probability": rng.uniform(0.01, 0.5, ITEMS).astype(np.float32),
        "weight": rng.uniform(0.5, 6, BATCH).astype(np.float32),
    }


def ours(batch: dict[str, np.ndarray], query: tf.Variable, item: tf.Variable, correction: bool) -> tf.Tensor:
    return InBatchSoftmax(temperature=0.1)(
        query_embeddings=query,
        candidate_embeddings=item,
        target=batch["target"],
        candidate_count=np.bincount(batch["target"]).astype(np.int32),
        candidate_log_probability=np.log(batch["probability"]) if correction else np.zeros(ITEMS, np.float32),
        sample_weight=batch["weight"],
        total_weight=np.sum(batch["weight"]),
    )


def theirs(batch: dict[str, np.ndarray], query: tf.Variable, item: tf.Variable, correction: bool) -> tf.Tensor:
    loss = tfrs.tasks.Retrieval(temperature=0.1, remove_accidental_hits=True)(
        query_embeddings=query,
        candidate_embeddings=tf.gather(item, batch["target"]),
        sample_weight=batch["weight"],
        candidate_sampling_probability=batch["probability"][batch["target"]] if correction else None,
        candidate_ids=batch["target"],
        compute_metrics=False,
    )
    return loss / tf.reduce_sum(batch["weight"])


@pytest.mark.parametrize("correction", [True, False])
def test_in_batch_softmax_repeated_items_equals_tfrs_retrieval(batch: dict[str, np.ndarray], correction: bool) -> None:
    query, item = tf.Variable(batch["query"]), tf.Variable(batch["item"])
    result = []
    for loss_of in (ours, theirs):
        with tf.GradientTape() as tape:
            loss = loss_of(batch, query, item, correction)
        gradients = tape.gradient(loss, [query, item])
        result.append([loss.numpy(), *(tf.convert_to_tensor(gradient).numpy() for gradient in gradients)])

    for our, their in zip(*result, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-6)


def test_in_batch_softmax_log_q_correction_changes_the_loss(batch: dict[str, np.ndarray]) -> None:
    query, item = tf.Variable(batch["query"]), tf.Variable(batch["item"])
    assert abs(ours(batch, query, item, True) - ours(batch, query, item, False)) > 0.01
