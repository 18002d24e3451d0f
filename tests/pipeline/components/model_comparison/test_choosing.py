"""Which candidate wins, by its lists' worth to each user and its time."""

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.components.model_comparison.choosing import Choice, choose

USERS = 400


def worth(mean: float, noise: npt.NDArray[np.float64] | float = 0.0) -> npt.NDArray[np.float64]:
    return np.full(USERS, mean) + noise


def chosen(by_user: dict[str, npt.NDArray[np.float64]], **seconds: float) -> Choice:
    return choose(by_user, seconds, resamples=500, seed=0)


NOISE = np.random.default_rng(0).normal(0, 0.2, USERS)
"""What is easy or hard for a user is so for all models."""


def test_choose_a_clearly_better_model_wins_whatever_it_costs() -> None:
    found = chosen({"slow": worth(0.12, NOISE), "fast": worth(0.11, NOISE + NOISE[::-1] * 0.01)}, slow=900.0, fast=0.1)
    assert found.winner == "slow"
    assert found.reason.startswith("slow is better than every other candidate")
    assert list(found.values) == ["slow", "fast"]
    assert found.behind["fast"].low > 0


def test_choose_of_those_that_are_not_clearly_worse_the_cheapest_wins() -> None:
    other = np.random.default_rng(1).normal(0, 0.2, USERS)
    by_user = {"dear": worth(0.2, NOISE), "cheap": worth(0.199, other), "bad": worth(0.01)}
    found = chosen(by_user, dear=60.0, cheap=2.0, bad=0.1)
    assert found.winner == "cheap"
    assert "trained in the least time, 2.0 s" in found.reason
    assert found.behind["cheap"].low < 0 < found.behind["cheap"].high
    assert found.behind["bad"].low > 0


def test_choose_the_best_wins_over_its_equal_if_it_is_the_cheaper_one() -> None:
    found = chosen({"a": worth(0.2, NOISE), "b": worth(0.2, NOISE)}, a=1.0, b=2.0)
    assert found.winner == "a"
    assert found.reason.startswith("a is the best; not clearly worse, but trained in more time: b (")


def test_choose_intervals_are_paired() -> None:
    # Users differ by .2, the models by .001 for each user: unpaired intervals would overlap.
    found = chosen({"a": worth(0.101, NOISE), "b": worth(0.1, NOISE)}, a=5.0, b=1.0)
    assert found.winner == "a"
    assert found.values["a"].low < found.values["b"].high
    assert found.behind["b"] == pytest.approx((0.001, 0.001, 0.001), abs=1e-6)


def test_choose_among_one_takes_it() -> None:
    found = chosen({"only": worth(0.0)}, only=1.0)
    assert (found.winner, found.behind) == ("only", {})
    assert found.reason == "only is the only candidate that can be chosen."
