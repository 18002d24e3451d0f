"""The proposals of the sampler."""

import numpy as np
import pytest

from configs.models.ranges import Choice, FloatRange, Range
from trainer.tuning.sampling import is_new, proposed

SPACE: dict[str, Range] = {"a": FloatRange(0.0, 1.0), "b": FloatRange(0.01, 100.0, log=True)}


def points(*numbers: int, seed: int = 0) -> np.ndarray:
    found = [proposed(SPACE, number, seed) for number in numbers]
    return np.array([[SPACE[name].position(float(str(each[name]))) for name in SPACE] for each in found])


@pytest.mark.parametrize("seed", range(5))
def test_proposed_points_fill_every_cell_of_the_space_where_chance_would_leave_some_empty(seed: int) -> None:
    cells = np.floor(points(*range(48), seed=seed) * 4).clip(max=3)
    assert len(np.unique(cells, axis=0)) == 16
    chance = np.floor(np.random.default_rng(seed).random((48, 2)) * 4)
    assert len(np.unique(chance, axis=0)) <= 16
    assert np.bincount((cells @ [4, 1]).astype(int)).max() <= 6  # three is even


def test_proposed_point_does_not_depend_on_the_order_of_the_names() -> None:
    assert proposed(SPACE, 7, 1) == proposed(dict(reversed(SPACE.items())), 7, 1)


def test_proposed_near_the_best_stays_near_it_and_inside_the_range() -> None:
    best = {"a": 0.95, "b": 1.0}
    for number in range(30):
        near = proposed(SPACE, number, 0, best)
        assert 0.8 <= float(str(near["a"])) <= 1.0
        assert 0.49 < float(str(near["b"])) ** 0.1 * 0.7 < 1.1


@pytest.mark.parametrize(("values", "expected"), [({"a": 1}, False), ({"a": 2}, True)])
def test_is_new_compares_with_every_trial(values: dict[str, int], expected: bool) -> None:
    assert is_new(values, [{"a": 3}, {"a": 1}]) is expected


def test_proposed_choice_is_one_of_the_values() -> None:
    space: dict[str, Range] = {"a": Choice((32, 64, 128))}
    assert {proposed(space, number, 0)["a"] for number in range(12)} == {32, 64, 128}
