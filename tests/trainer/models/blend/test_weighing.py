"""How much each part of a blend counts, on models whose scores are known."""

import numpy as np
import pytest

from tests.trainer.models.blend.test_served import Table
from tests.trainer.worlds import grouped_world
from trainer.evaluate import Evaluator
from trainer.models.blend.weighing import chosen_weights
from trainer.popularity import popularity_shares

ITEMS = 30


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    train, held_out, candidates = grouped_world()
    return Evaluator(held_out, candidates, popularity_shares(train, ITEMS), (3, 5), "everything")


def noisy(deviation: float, random: np.random.Generator) -> np.ndarray:
    """Scores in which each user's target stands out, by as much as the noise lets it."""
    _, held_out, _ = grouped_world()
    scores = random.normal(size=(held_out.users, ITEMS)) * deviation
    scores[held_out.user, held_out.target.astype(int)] += 1
    return scores


def test_part_that_says_what_two_others_say_loses_the_weight_that_it_had_first(evaluator: Evaluator) -> None:
    random = np.random.default_rng(4)
    one, other = noisy(0.7, random), noisy(0.7, random)
    mixed = (one + other) / 2 + random.normal(size=one.shape) * 0.4
    # Alone, the mixture is the best of the three, so it is what the search begins with.
    weights = chosen_weights({"mixed": Table(mixed), "one": Table(one), "other": Table(other)}, evaluator)
    assert weights == (0, 0.5, 0.5)


def test_parts_that_know_nothing_get_no_weight(evaluator: Evaluator) -> None:
    random = np.random.default_rng(0)
    parts = {"good": Table(noisy(0.1, random)), **{f"noise {n}": Table(random.normal(size=(60, ITEMS))) for n in "ab"}}
    assert chosen_weights(parts, evaluator) == (1, 0, 0)


def test_weights_do_not_depend_on_which_of_two_parts_comes_first(evaluator: Evaluator) -> None:
    random = np.random.default_rng(1)
    one, other = Table(noisy(0.7, random)), Table(noisy(0.9, random))
    first = chosen_weights({"one": one, "other": other}, evaluator)
    assert chosen_weights({"other": other, "one": one}, evaluator) == first[::-1]
    assert min(first) > 0 and sum(first) == pytest.approx(1)
