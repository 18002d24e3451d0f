"""The bootstrap: its weights, its intervals against the normal theory, and that differences are paired."""

import numpy as np
import pytest

from configs.evaluation import Evaluation
from pipeline.evaluation import measuring
from trainer import bootstrap
from trainer.targets import Targets


def drawn(users: int, resamples: int, seed: int) -> np.ndarray:
    return np.concatenate(list(bootstrap.weights(users, resamples, seed)))


def test_weights_each_resample_draws_as_many_users_with_replacement() -> None:
    weights = drawn(users=50, resamples=400, seed=1)
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all() and weights.max() > 1
    # A user is left out with chance (1 - 1/50)^50.
    assert (weights == 0).mean() == pytest.approx(0.98**50, abs=0.01)


def test_weights_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn(users=30, resamples=100, seed=4)
    monkeypatch.setattr(bootstrap, "_VALUES_A_BLOCK", 70)
    np.testing.assert_array_equal(drawn(users=30, resamples=100, seed=4), whole)
    assert (drawn(users=30, resamples=100, seed=5) != whole).any()


def test_percentile_interval_of_a_mean_is_the_normal_theorys() -> None:
    values = np.random.default_rng(0).normal(3, 2, (400, 1)).astype(np.float32)
    resampled = bootstrap.ratios(drawn(400, 4000, 0), values, np.ones_like(values))[:, 0]
    result = bootstrap.percentile_interval(float(values.mean()), resampled)

    error = 1.96 * values.std() / np.sqrt(400)
    assert result.low == pytest.approx(values.mean() - error, abs=0.15 * error)
    assert result.high == pytest.approx(values.mean() + error, abs=0.15 * error)


def test_percentile_interval_covers_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(2)
    weights = drawn(150, 300, 3)
    hits = (rng.random((300, 150)) < 0.3).astype(np.float32)  # 300 worlds in which the hit rate is 0.3
    covered = 0
    for world in hits:
        resampled = bootstrap.ratios(weights, world[:, np.newaxis], np.ones((150, 1), np.float32))[:, 0]
        result = bootstrap.percentile_interval(float(world.mean()), resampled)
        covered += result.low <= 0.3 <= result.high
    assert 0.90 <= covered / 300 <= 0.98


def test_ratios_of_a_rare_slice_leave_out_resamples_without_it() -> None:
    counts = np.zeros((20, 1), np.float32)
    counts[3] = 1
    resampled = bootstrap.ratios(drawn(20, 200, 0), counts * 0.5, counts)[:, 0]
    assert 0 < np.isnan(resampled).sum() < 200
    assert bootstrap.percentile_interval(0.5, resampled) == (0.5, 0.5, 0.5)


def test_percentile_interval_of_nothing_is_not_a_number() -> None:
    nothing = bootstrap.percentile_interval(float("nan"), np.full(100, np.nan))
    assert np.isnan(nothing).all()


def one_target_each(place: np.ndarray) -> Targets:
    return Targets(np.arange(len(place)), place, np.zeros(len(place), bool))


def test_measure_differences_are_paired_and_seeded() -> None:
    rng = np.random.default_rng(0)
    users, items = 300, 40
    lists = np.argsort(rng.random((users, items)), axis=1)[:, :10].astype(np.int32)
    targets = one_target_each(rng.integers(0, items, users))
    # The same lists, the first two turned round for a tenth of the users.
    other = lists.copy()
    other[:30, :2] = lists[:30, 1::-1]
    rankings = {"model": lists, "popularity": other, "last_blessed": lists}
    count = rng.integers(0, 9, items)

    def measured(seed: int) -> measuring.Measurements:
        return measuring.measure(rankings, targets, count, {}, Evaluation(top_k=(1, 10), seed=seed, resamples=200))

    result = measured(0)
    assert result.differences()["last_blessed"]["ndcg@10"] == (0, 0, 0)
    own = result.figures["model"]["", "", "ndcg@10"]
    difference = result.differences()["popularity"]["ndcg@10"]
    assert difference.high - difference.low < 0.3 * (own.high - own.low)
    assert measured(0).figures == result.figures
    assert measured(0).differences() == result.differences()
    assert measured(1).figures["model"]["", "", "ndcg@10"].low != own.low


def test_measure_coverage_interval_holds_the_figure() -> None:
    # Every user has a list of ten items of their own: each resample covers 63 %, all users cover everything.
    lists = np.arange(1000, dtype=np.int32).reshape(100, 10)
    result = measuring.measure(
        {"model": lists}, one_target_each(np.zeros(100, np.int64)), np.ones(1250, np.int64), {}, Evaluation()
    )
    figure = result.figures["model"]["", "", "coverage@10"]
    assert figure.value == 0.8 and figure.low < 0.8 < figure.high < 0.9
