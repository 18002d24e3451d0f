"""What training refuses."""

import numpy as np
import pytest

from common.errors import TrainingError
from tests.trainer.worlds import interactions_of
from trainer.checks import MAX_CONCENTRATION, check_batches, check_data, check_embeddings, check_loss, concentration_of
from trainer.histories import Histories

TRAIN = interactions_of([[0, 1], [1]])
HELD_OUT = interactions_of([[0]], [["1"]])


def test_check_two_items_and_a_target_pass() -> None:
    check_data(TRAIN, HELD_OUT)
    check_batches(TRAIN, batch_size=1024)


@pytest.mark.parametrize(
    ("train", "held_out", "message"),
    [
        (interactions_of([]), HELD_OUT, "train split is empty"),
        (interactions_of([[], []]), HELD_OUT, "train split is empty"),
        (interactions_of([[1], [1], [1]]), HELD_OUT, "3 training interactions are with one item"),
        (TRAIN, interactions_of([]), "eval split is empty"),
        (TRAIN, interactions_of([[0], [1]], [[], []]), "none of its 2 users"),
    ],
)
def test_check_data_nothing_to_learn_or_measure_is_a_training_error(
    train: Histories, held_out: Histories, message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        check_data(train, held_out)


@pytest.mark.parametrize(("train", "batch_size"), [(interactions_of([[0]]), 1024), (TRAIN, 1)])
def test_check_batches_of_one_is_a_training_error(train: Histories, batch_size: int) -> None:
    with pytest.raises(TrainingError, match="batch of one"):
        check_batches(train, batch_size)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_check_loss_not_finite_is_a_training_error(loss: float) -> None:
    check_loss(3.2, epoch=1, learning_rate=0.1)
    with pytest.raises(TrainingError, match=r"epoch 3 .*learning_rate \(now 0.1\)"):
        check_loss(loss, epoch=3, learning_rate=0.1)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_concentration_of_equals_root_of_the_mean_cosine() -> None:
    vectors = unit(np.random.default_rng(0).normal(0.5, 1, (40, 8)))
    assert concentration_of(vectors) == pytest.approx(np.sqrt((vectors @ vectors.T).mean()), rel=1e-5)


def test_check_embeddings_spread_or_few_pass() -> None:
    spread = unit(np.random.default_rng(0).normal(0.5, 1, (40, 8)))
    check_embeddings(spread, "items")
    check_embeddings(spread[:1], "items")
    check_embeddings(np.zeros((3, 8), np.float32), "items")


def test_check_embeddings_one_direction_is_a_training_error() -> None:
    collapsed = unit(1 + 0.1 * np.random.default_rng(0).normal(size=(40, 8)))
    assert concentration_of(collapsed) > MAX_CONCENTRATION
    with pytest.raises(TrainingError, match="embeddings of 40 items have collapsed"):
        check_embeddings(np.concatenate([collapsed, np.zeros((5, 8), np.float32)]), "items")


def test_check_embeddings_not_finite_is_a_training_error() -> None:
    with pytest.raises(TrainingError, match="not finite"):
        check_embeddings(np.array([[np.nan, 1.0]], np.float32), "items")
