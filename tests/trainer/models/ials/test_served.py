"""The served model: fold-in against refits of single rows, scores and neighbours, as a SavedModel, and its time."""

import time
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.slowdown import slowdown
from tests.trainer.models.ials.worlds import confidences, dense_solve, objective_of, query, settings_of
from tests.trainer.worlds import candidates_of, random_histories
from trainer.models.ials.fit import factorised
from trainer.models.ials.served import ServedIals
from trainer.models.ials.solve import Objective

ITEMS = 30
ROWS = [*range(10, 30), -1, *range(10), -1]  # of each place; two items are cold


@pytest.fixture
def model() -> ServedIals:
    return made()


HISTORIES = random_histories(60, ITEMS, seed=3)


def made(**changes: Any) -> ServedIals:
    return factorised(HISTORIES, candidates_of(ROWS), settings_of(**changes))


def by_row(model: ServedIals) -> np.ndarray:
    return model.item_embedding.numpy()[np.argsort(ROWS)[2:]]


def refit(
    model: ServedIals, history: list[int], weight: list[float], newest: int, decay: float, **changes: Any
) -> np.ndarray:
    """The row that training would solve for in float64, with the decayed confidences of the newest."""
    pairs = list(zip(history, weight, strict=True))[-newest:]
    row = np.zeros((1, ITEMS))
    for age, (item, each) in enumerate(reversed(pairs)):
        row[0, item] += each / np.mean([w for _, w in pairs]) * decay**age
    objective = objective_of(confidences(HISTORIES, ITEMS), settings_of(**changes))
    return dense_solve(row, by_row(model).astype(np.float64), objective)[0]


@pytest.mark.parametrize(
    ("newest", "decay", "is_ordered", "exponent"), [(500, 0.8, True, 1.0), (3, 0.5, True, 0.5), (500, 1.0, False, 1.0)]
)
def test_fold_in_equals_a_refit_of_the_row(newest, decay, is_ordered, exponent):
    changes = {"max_history": newest, "history_decay": 0.5 if newest == 3 else 0.8, "ordered_history": is_ordered}
    model = made(frequency_exponent=exponent, **changes)
    rng = np.random.default_rng(5)
    histories = [rng.integers(0, ITEMS, n).tolist() for n in (1, 2, 7, 0, 30, 90)]
    weights = [rng.choice([0.5, 2.0, 6.0, 1e-3], len(history)).tolist() for history in histories]

    _, history, weight = query(histories, weights)
    folded = model.fold_in(history, weight).numpy()

    for row, pair in enumerate(zip(histories, weights, strict=True)):
        if pair[0]:
            expected = refit(model, *pair, newest, decay, frequency_exponent=exponent)
            np.testing.assert_allclose(folded[row], expected, rtol=1e-5, atol=1e-5)
    assert not folded[3].any()


def test_scores_are_products_by_place_and_cold_items_are_last(model):
    histories = [[3, 4], [], [29, 0, 3]]
    scores = model.scores(*query(histories))[0].numpy()
    for row, history in enumerate(histories):
        if history:
            x = refit(model, history, [1.0] * len(history), 500, 0.8)
            dots = by_row(model) @ x
            np.testing.assert_allclose(scores[row, :20], dots[10:], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(scores[row, 21:31], dots[:10], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(scores[row, [20, 31]], min(0, dots.min()), rtol=1e-4, atol=1e-5)
    assert not scores[1].any()


@pytest.mark.parametrize("scale", [3e38, 1e-36, 7.0])
def test_scores_weights_of_any_size_only_their_ratios_count(model, scale):
    histories, weights = [[4, 0, 1, 2], [3, 3]], [[0.5, 0.25, 1.0, 1.0], [1.0, 1.0]]
    plain, _ = model.scores(*query(histories, weights))
    scaled, _ = model.scores(*query(histories, [[w * scale for w in row] for row in weights]))
    np.testing.assert_allclose(scaled, plain, rtol=1e-4, atol=1e-6)


def test_scores_heavier_and_newer_items_count_more(model):
    model_of = lambda history, weight: model.scores(*query([history], [weight]))[0].numpy()[0]  # noqa: E731
    place = model._place.numpy()
    assert model_of([4, 9], [1, 5])[place[9]] > model_of([4, 9], [1, 1])[place[9]]
    assert model_of([4, 9], [1, 1])[place[9]] > model_of([9, 4], [1, 1])[place[9]]


def test_scores_heavy_item_older_than_the_newest_hides_nothing():
    model = made(max_history=2)
    scores, _ = model.scores(*query([[4, 0, 1]], [[3e38, 1e-6, 2e-6]]))
    expected, _ = model.scores(*query([[0, 1]], [[1.0, 2.0]]))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)


def test_scores_no_rows_gives_no_rows(model):
    scores, is_known = model.scores(*query([]))
    assert (scores.shape, is_known.shape) == ((0, len(ROWS)), (0,))


def test_similar_is_the_cosine_of_factors_and_zero_for_cold_items(model):
    place = [0, 20, 25]
    outside, is_known = model.similar(tf.constant([-1, 99], tf.int64))
    assert not outside.numpy().any()
    assert not is_known.numpy().any()
    similar, is_known = (each.numpy() for each in model.similar(tf.constant(place, tf.int64)))
    assert is_known.tolist() == [True, False, True]
    factors = model.item_embedding.numpy().astype(np.float64)
    for row, mine in zip(similar, place, strict=True):
        for other in range(len(ROWS)):
            lengths = np.linalg.norm(factors[mine]) * np.linalg.norm(factors[other])
            expected = factors[mine] @ factors[other] / lengths if lengths else 0
            assert row[other] == pytest.approx(expected, abs=1e-5)


class Exported(tf.Module):
    """A model with its two questions as functions, as an export has them."""

    def __init__(self, model: ServedIals) -> None:
        super().__init__()
        self.model = model

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tf.float32),
        ],
        autograph=False,
    )
    def scores(self, user: Any, row: Any, splits: Any, weight: Any) -> Any:
        history = tf.RaggedTensor.from_row_splits(row, splits)
        return self.model.scores(user, history, history.with_values(weight))[0]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
    def similar(self, place: Any) -> Any:
        return self.model.similar(place)[0]


def flat(histories: list[list[int]]) -> tuple[Any, Any, Any, Any]:
    user, history, weight = query(histories)
    return user, history.values, history.row_splits, weight.values


def test_saved_and_loaded_answers_the_same(model, tmp_path):
    exported = Exported(model)
    tf.saved_model.save(exported, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    asked = flat([[3, 4], [], [29, 0, 3, 3]])
    np.testing.assert_array_equal(loaded.scores(*asked), exported.scores(*asked))
    np.testing.assert_array_equal(
        loaded.similar(tf.constant([2, 20], tf.int64)), model.similar(tf.constant([2, 20], tf.int64))[0]
    )


def test_query_alone_over_ten_thousand_items_takes_less_than_two_milliseconds():
    objective = Objective(unobserved_weight=0.1, regularisation=0.01, frequency_exponent=1.0)
    rng = np.random.default_rng(0)
    factors = rng.normal(0, 0.1, (10_000, 64)).astype(np.float32)
    exported = Exported(ServedIals(factors, candidates_of(range(10_000)), settings_of(), objective))
    asked = flat([rng.integers(0, 10_000, 20).tolist()])
    exported.scores(*asked)
    slow, taken = slowdown(), []
    for _ in range(100):
        since = time.process_time()
        exported.scores(*asked)
        taken.append(time.process_time() - since)
    seconds = float(np.median(taken)) / ((slow + slowdown()) / 2)
    print(f"a query alone takes {seconds * 1000:.2f} ms of an idle core")
    assert seconds < 0.002
