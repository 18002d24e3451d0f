"""The training: its loss, its seed, warm starts and what it learns."""

import itertools

import numpy as np
import pytest

from common.errors import WarmStartError
from configs.models.ials import Ials
from tests.trainer.models.ials.worlds import confidences, dense_loss, dense_solve, objective_of, query, settings_of
from tests.trainer.worlds import candidates_of, grouped_world, interactions_of, random_histories
from trainer.candidates import Candidates
from trainer.histories import Histories
from trainer.models.ials.fit import factorised, initial_factors
from trainer.models.ials.served import ServedIals

ITEMS = 30


def trained(histories: Histories, candidates: Candidates, settings: Ials, seed: int = 0, **more) -> ServedIals:
    return factorised(histories, candidates, settings.model_copy(update={"seed": seed}), **more)


def test_fit_equals_alternating_ridge_regressions_and_their_loss_falls():
    histories, settings = random_histories(40, ITEMS, seed=3), settings_of()
    told = []

    def report(loss: float, model) -> None:
        told.append(loss)

    model = trained(histories, candidates_of(range(ITEMS)), settings, report=report)

    c = confidences(histories, ITEMS)
    objective = objective_of(c, settings)
    items = initial_factors(ITEMS, 5, seed=0).astype(np.float64)
    expected = []
    for _ in range(settings.iterations):
        users = dense_solve(c, items, objective)
        items = dense_solve(c.T, users, objective)
        expected.append(dense_loss(c, users, items, objective) / c.sum())
    np.testing.assert_allclose(model.item_embedding, items, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(told, expected, rtol=1e-4)
    assert all(later < earlier for earlier, later in itertools.pairwise(told))


def test_fit_groups_of_taste_are_told_apart():
    train, held_out, candidates = grouped_world()
    model = trained(train, candidates, settings_of(ordered_history=False))
    found, _ = model.scores(
        *query([train.item[train.offset[u] : train.offset[u + 1]].tolist() for u in range(train.users)])
    )
    scores = found.numpy()
    for user in range(train.users):
        scores[user, train.item[train.offset[user] : train.offset[user + 1]]] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :3]  # three items of the user's group are left
    np.testing.assert_array_equal(best // 10, np.repeat(np.arange(3), 20)[:, None] * np.ones((1, 3)))
    assert all(int(held_out.target[user]) in best[user] for user in range(train.users))


def test_fit_same_seed_same_arrays_and_another_seed_others():
    histories, candidates = random_histories(40, ITEMS, seed=3), candidates_of(range(ITEMS))
    first, again, other = (trained(histories, candidates, settings_of(), seed).item_embedding for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_fit_scaled_weights_of_each_user_same_model():
    histories = random_histories(40, ITEMS, seed=3)
    scale = np.random.default_rng(0).uniform(0.01, 100, histories.users)[histories.row].astype(np.float32)
    scaled = Histories(**{**vars(histories), "weight": histories.weight * scale})
    models = [trained(each, candidates_of(range(ITEMS)), settings_of()) for each in (histories, scaled)]
    np.testing.assert_allclose(models[0].item_embedding, models[1].item_embedding, rtol=1e-2, atol=1e-4)


def test_fit_report_has_the_model_of_each_iteration():
    histories, candidates = random_histories(40, ITEMS, seed=3), candidates_of(range(ITEMS))
    made = []
    whole = trained(histories, candidates, settings_of(), report=lambda loss, model: made.append(model()))
    np.testing.assert_array_equal(whole.item_embedding, made[-1].item_embedding)
    two = trained(histories, candidates, settings_of(iterations=2))
    np.testing.assert_array_equal(two.item_embedding, made[1].item_embedding)
    assert not np.array_equal(made[0].item_embedding, made[1].item_embedding)


def test_fit_warm_start_goes_on_where_the_base_ended():
    histories, candidates = random_histories(40, ITEMS, seed=3), candidates_of(range(ITEMS))
    base = trained(histories, candidates, settings_of(iterations=3)).item_embedding.numpy()
    warm = trained(histories, candidates, settings_of(iterations=1), seed=9, base_factors=base)
    whole = trained(histories, candidates, settings_of(iterations=4))
    np.testing.assert_allclose(warm.item_embedding, whole.item_embedding, rtol=1e-4, atol=1e-5)


def test_initial_factors_item_that_the_base_lacks_is_fresh():
    base = np.zeros((3, 4), np.float32)
    base[1] = 7
    fresh, factors = initial_factors(3, 4, seed=1), initial_factors(3, 4, seed=1, base_factors=base)
    np.testing.assert_array_equal(factors, [fresh[0], base[1], fresh[2]])
    assert fresh.all()


@pytest.mark.parametrize(("base", "message"), [(np.ones((3, 5)), "shape"), (np.full((3, 4), np.nan), "not finite")])
def test_initial_factors_unusable_base_is_refused(base, message):
    with pytest.raises(WarmStartError, match=message):
        initial_factors(3, 4, seed=1, base_factors=base.astype(np.float32))


def test_fit_log_of_one_user_knows_that_user():
    model = trained(interactions_of([[2, 0]]), candidates_of([0, 1, 2, -1]), settings_of())
    scores = model.scores(*query([[0]]))[0].numpy()[0]
    assert np.isfinite(scores).all()
    assert scores[2] > scores[1]
    assert scores[1] >= scores[3]  # item 1 is in the vocabulary, but nobody met it


def test_fit_without_event_weights_same_model_for_any_weights():
    histories, candidates = random_histories(40, 7, seed=2), candidates_of(range(7))
    weighed = Histories(**{**vars(histories), "weight": np.linspace(0.5, 6, len(histories.item), dtype=np.float32)})
    settings = settings_of(use_event_weights=False)
    one, other = (factorised(each, candidates, settings) for each in (histories, weighed))
    np.testing.assert_array_equal(one.item_embedding.numpy(), other.item_embedding.numpy())
    found = [one.scores(*query([[0, 1]], [weights]))[0].numpy() for weights in ([1, 1], [6, 0.5])]
    np.testing.assert_array_equal(*found)
