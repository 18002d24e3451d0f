"""DIMSUM's estimator over 200 seeds: unbiased, with the variance that is worked out, inside the bound."""

import numpy as np
import pytest
from scipy import sparse

from tests.trainer.models.item_item.dense import cosine_of
from trainer.models.item_item.counting import columns
from trainer.models.item_item.dimsum import thinned, thinning

_SEEDS = 200
_THRESHOLD = 0.5


def _log(weights=(1.0,), users=1500, items=12):
    """Items from popular to rare: some thinned, some not. Users differ in activity, so that all pairs meet."""
    rng = np.random.default_rng(7)
    activity = rng.uniform(0.2, 1.6, (users, 1))
    chance = np.geomspace(0.6, 0.02, items)
    return (rng.random((users, items)) < activity * chance) * rng.choice(weights, (users, items))


def _estimates(met, threshold, seeds):
    user = np.arange(len(met))
    csr = sparse.csr_matrix(met)
    thin = thinning(columns(csr), threshold)
    for seed in range(seeds):
        kept = thinned(csr, user, thin, seed)
        yield (kept.T @ kept).toarray() / np.outer(thin.divisor, thin.divisor)


def _pairs(met):
    return np.nonzero(np.triu(met.T @ met, 1))


def test_estimates_of_a_log_of_ones_are_unbiased_and_have_the_exact_variance():
    met = _log()
    first, second = _pairs(met)
    assert len(first) >= 60
    cosine = cosine_of(met)[first, second]
    count = met.sum(axis=0)
    probability = np.minimum(1, np.sqrt(10 * np.log(12) / _THRESHOLD) / np.sqrt(count))
    assert np.sum(probability < 0.5) >= 3 and np.sum(probability == 1) >= 1
    users_of_both = (met.T @ met)[first, second]
    deviation = cosine * np.sqrt((1 / (probability[first] * probability[second]) - 1) / users_of_both)
    estimates = np.array([table[first, second] for table in _estimates(met, _THRESHOLD, _SEEDS)])
    exact = deviation == 0
    assert exact.any()
    np.testing.assert_allclose(estimates[:, exact], np.broadcast_to(cosine[exact], (_SEEDS, exact.sum())))
    z = (estimates[:, ~exact] - cosine[~exact]) / deviation[~exact]
    assert abs(z.mean()) < 0.05
    assert abs(z.var() - 1) < 0.05
    # The mean of 200 has a deviation of 1/14; of some sixty pairs, none is 4 of these away.
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(_SEEDS)


def test_error_bound_of_a_log_of_ones_is_the_error_itself():
    met = _log()
    first, second = _pairs(met)
    thin = thinning(columns(sparse.csr_matrix(met)), _THRESHOLD)
    kept = thin.probability[first] * thin.probability[second]
    bound = thin.error_bound(cosine_of(met)[first, second], first, second)
    np.testing.assert_allclose(bound, np.sqrt((1 / kept - 1) / (met.T @ met)[first, second]), rtol=1e-9)


def test_estimates_of_event_weights_stay_inside_the_bound():
    met = _log((0.5, 2.0, 6.0))
    first, second = _pairs(met)
    cosine = cosine_of(met)[first, second]
    thin = thinning(columns(sparse.csr_matrix(met)), 0.9)
    assert np.sum(thin.probability < 1) >= 2
    bound = thin.error_bound(cosine, first, second)
    estimates = np.array([table[first, second] for table in _estimates(met, 0.9, _SEEDS)])
    error = np.sqrt(np.mean((estimates / cosine - 1) ** 2, axis=0))
    # A deviation measured over 200 seeds is itself uncertain by a twentieth; of 66, one may be three of these off.
    assert np.all(error <= bound * 1.15)
    assert error.max() > 0


def test_bound_of_unscaled_event_weights_is_broken_and_that_of_scaled_ones_holds():
    """Spark thins by the length of the columns as they are: the promise 1/√(γ cosine) needs entries of at most 1."""
    met = _log((0.5, 2.0, 6.0))
    first, second = _pairs(met)
    cosine = cosine_of(met)[first, second]
    gamma = 10 * np.log(12) / _THRESHOLD
    spread = ((met**2).T @ met**2)[first, second] / (met.T @ met)[first, second] ** 2

    def errors_over_promises(probability):
        both = (probability[first] < 1) & (probability[second] < 1)
        error = np.sqrt((1 / (probability[first] * probability[second]) - 1) * spread)[both]
        return error * np.sqrt(gamma * cosine[both])

    unscaled = np.minimum(1, np.sqrt(gamma) / np.linalg.norm(met, axis=0))
    assert errors_over_promises(unscaled).max() > 2
    ours = errors_over_promises(thinning(columns(sparse.csr_matrix(met)), _THRESHOLD).probability)
    assert len(ours) > 3 and ours.max() <= 1


def test_thinning_of_a_scaled_log_is_the_same():
    met = sparse.csr_matrix(_log((0.5, 2.0, 6.0)))
    one, four = (thinning(columns(met * scale), _THRESHOLD) for scale in (1, 4))
    np.testing.assert_array_equal(one.probability, four.probability)
    np.testing.assert_array_equal(one.divisor * 4, four.divisor)


def test_threshold_zero_keeps_everything():
    met = sparse.csr_matrix(_log())
    thin = thinning(columns(met), 0)
    assert thinned(met, np.arange(met.shape[0]), thin, seed=0) is met
    np.testing.assert_allclose(thin.divisor, np.sqrt(met.sum(axis=0)).A1)


def test_thinned_shards_keep_what_the_whole_keeps():
    met = sparse.csr_matrix(_log())
    thin = thinning(columns(met), _THRESHOLD)
    user = np.random.default_rng(0).permutation(met.shape[0])
    whole = thinned(met, user, thin, seed=5)
    shards = [thinned(met[part], user[part], thin, seed=5) for part in (slice(0, 400), slice(400, None))]
    np.testing.assert_array_equal(sparse.vstack(shards).toarray(), whole.toarray())
    assert whole.nnz < met.nnz


@pytest.mark.parametrize("change", ["seed", "user"])
def test_coins_of_another_seed_or_other_users_differ(change):
    met = sparse.csr_matrix(_log())
    thin = thinning(columns(met), _THRESHOLD)
    user = np.arange(met.shape[0])
    one = thinned(met, user, thin, seed=0)
    other = thinned(met, user + (change == "user"), thin, seed=int(change == "seed"))
    assert (one != other).nnz > 0
