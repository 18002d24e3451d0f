"""The solves of one side against weighted ridge regressions in float64, and their memory."""

import tracemalloc

import numpy as np
import pytest

from tests.trainer.models.ials.worlds import confidences, dense_solve
from tests.trainer.worlds import interactions_of, random_histories
from trainer.histories import Histories
from trainer.models.ials.entries import entries_of
from trainer.models.ials.solve import Objective, normal_equations, solve_rows

ITEMS = 30
OBJECTIVE = Objective(unobserved_weight=0.1, regularisation=0.02, frequency_exponent=1.0)


@pytest.fixture
def histories() -> Histories:
    return random_histories(40, ITEMS, seed=3)


@pytest.fixture
def factors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ITEMS, 5)).astype(np.float32)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_solve_rows_users_equals_ridge_regressions(histories, factors, exponent):
    objective = Objective(0.1, 0.02, exponent)
    solved, _ = solve_rows(entries_of(histories), factors, objective)
    expected = dense_solve(confidences(histories, ITEMS), factors.astype(np.float64), objective)
    np.testing.assert_allclose(solved, expected, rtol=1e-4, atol=1e-5)
    assert not solved[0].any()  # an empty history


def test_solve_rows_items_equals_ridge_regressions(histories):
    users = np.random.default_rng(1).normal(size=(histories.users, 5)).astype(np.float32)
    solved, _ = solve_rows(entries_of(histories).transposed(ITEMS), users, OBJECTIVE)
    expected = dense_solve(confidences(histories, ITEMS).T, users.astype(np.float64), OBJECTIVE)
    np.testing.assert_allclose(solved, expected, rtol=1e-4, atol=1e-5)


def test_solve_rows_explained_is_what_the_squared_error_falls_by(histories, factors):
    entries = entries_of(histories)
    solved, explained = solve_rows(entries, factors, OBJECTIVE)
    c, predicted = confidences(histories, ITEMS), solved.astype(np.float64) @ factors.T
    ridge = OBJECTIVE.regularisation * (c.sum(1) + OBJECTIVE.unobserved_weight * ITEMS)
    loss = np.sum(c * (predicted - 1) ** 2) + OBJECTIVE.unobserved_weight * np.sum(predicted**2)
    loss += ridge @ np.sum(solved.astype(np.float64) ** 2, axis=1)
    assert c.sum() - explained == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("values", [1, 40, 300, 5000])
def test_normal_equations_chunks_of_any_size_same_sums(histories, factors, values):
    entries = entries_of(histories)
    seen: dict = {}
    for chosen, square, linear in normal_equations(entries, factors, values):
        seen |= dict(zip(chosen.tolist(), zip(square, linear, strict=True), strict=True))
    c = confidences(histories, ITEMS)
    assert sorted(seen) == np.flatnonzero(c.sum(1)).tolist()
    for row, (square, linear) in seen.items():
        np.testing.assert_allclose(
            square, sum(c[row, i] * np.outer(factors[i], factors[i]) for i in range(ITEMS)), 1e-4, 1e-4
        )
        np.testing.assert_allclose(linear, c[row] @ factors, 1e-4, 1e-4)


def test_normal_equations_one_very_long_row_bounded_memory(factors):
    history = np.random.default_rng(0).integers(0, ITEMS, 400_000)
    entries = entries_of(interactions_of([history.tolist(), [1]]))
    tracemalloc.start()
    try:
        found = list(normal_equations(entries, factors, values_a_chunk=20_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The factors of the row's entries alone would be 8 MB.
    assert peak < 2_000_000
    counts = np.bincount(history, minlength=ITEMS)
    np.testing.assert_allclose(found[-1][2][0], counts @ factors, rtol=1e-3)
