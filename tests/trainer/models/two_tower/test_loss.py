"""The loss against tfrs.tasks.Retrieval, which holds the whole [batch, batch] matrix, and against a loop in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

from trainer.models.two_tower.loss import SampledSoftmax

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
    return SampledSoftmax(temperature=0.1)(
        query_embeddings=query,
        candidate_embeddings=item,
        target=batch["target"],
        negatives=ITEMS,
        excluded=batch["target"][:, np.newaxis],
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
def test_sampled_softmax_of_the_batchs_targets_equals_tfrs_retrieval(
    batch: dict[str, np.ndarray], correction: bool
) -> None:
    query, item = tf.Variable(batch["query"]), tf.Variable(batch["item"])
    result = []
    for loss_of in (ours, theirs):
        with tf.GradientTape() as tape:
            loss = loss_of(batch, query, item, correction)
        gradients = tape.gradient(loss, [query, item])
        result.append([loss.numpy(), *(tf.convert_to_tensor(gradient).numpy() for gradient in gradients)])

    for our, their in zip(*result, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-6)


def test_sampled_softmax_log_q_correction_changes_the_loss(batch: dict[str, np.ndarray]) -> None:
    query, item = tf.Variable(batch["query"]), tf.Variable(batch["item"])
    assert abs(ours(batch, query, item, True) - ours(batch, query, item, False)) > 0.01


@pytest.mark.parametrize("negatives", [4, ITEMS])
def test_sampled_softmax_leaves_out_what_is_no_negative_and_counts_what_was_sampled_twice(
    batch: dict[str, np.ndarray], negatives: int
) -> None:
    rng = np.random.default_rng(2)
    excluded = np.concatenate([batch["target"][:, np.newaxis], rng.integers(-1, ITEMS, (BATCH, 3))], axis=1)
    count = rng.integers(1, 4, ITEMS).astype(np.int32)
    loss = SampledSoftmax(temperature=0.2)(
        query_embeddings=tf.constant(batch["query"]),
        candidate_embeddings=tf.constant(batch["item"]),
        target=batch["target"],
        negatives=negatives,
        excluded=excluded.astype(np.int32),
        candidate_count=count,
        candidate_log_probability=np.log(batch["probability"]),
        sample_weight=batch["weight"],
        total_weight=np.sum(batch["weight"]),
    )

    losses = []
    for query, own, out in zip(batch["query"], batch["target"], excluded, strict=True):
        chance = np.exp(batch["item"] @ query / 0.2) / batch["probability"]
        others = [item for item in range(negatives) if item not in out]
        losses.append(-np.log(chance[own] / (chance[own] + sum(count[item] * chance[item] for item in others))))
    assert float(loss) == pytest.approx(np.average(losses, weights=batch["weight"]), rel=1e-5)
