"""Measures of lists and the slices, by hand."""

import math

import numpy as np
import pytest

from configs.evaluation import Evaluation
from pipeline.evaluation import measures, slices, stability
from tests.trainer.worlds import interactions_of
from trainer.targets import find_targets

CATALOGUE = [str(place).encode() for place in range(6)]


def test_user_sums_by_hand() -> None:
    targets = find_targets(interactions_of([[0], [1]], [["2", "0"], ["5"]]), CATALOGUE)
    ranked = np.array([[1, 2, -1], [0, 7, 5]])  # 7 is an item that the catalogue no longer has
    count = np.array([4, 2, 1, 1, 0, 0])
    figures = measures.user_sums(ranked, targets, count, {}, (1, 3))
    value = {name: sums.value for (_, _, name), sums in figures.items()}

    assert value["hit_rate@1"] == 0 and value["hit_rate@3"] == 1
    # The first user's second target was met, which no list can hold: a miss.
    assert value["recall@3"] == pytest.approx((1 / 2 + 1) / 2)
    assert value["mrr"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert value["mean_popularity@10"] == pytest.approx((2 + 1 + 4 + 0 + 0) / 8 / 5)
    assert value["novelty@10"] == pytest.approx((2 + 3 + 1 + 3 + 3) / 5)


@pytest.mark.parametrize(
    ("shown", "wanted"), [([2, 2, 2], 0), ([0, 0, 0, 8], 1), ([1, 3], 1 / 2), ([0, 1, 1, 2], 1 / 2), ([5], 0)]
)
def test_gini_by_hand(shown: list[int], wanted: float) -> None:
    assert measures.gini(np.array(shown)) == pytest.approx(wanted)


def test_gini_and_coverage_equal_all_pairs_of_items() -> None:
    shown = np.random.default_rng(0).poisson(1.5, 200)
    pairs = sum(abs(int(a) - int(b)) for a in shown for b in shown)
    assert measures.gini(shown) == pytest.approx(pairs / (2 * 199 * shown.sum()))
    assert measures.coverage(shown) == sum(n > 0 for n in shown) / 200
    assert math.isnan(measures.gini(np.zeros(3, np.int64)))


def test_slices_of_by_hand() -> None:
    users = interactions_of([[], [0, 1], [0, 1, 2, 3, 0]], [["0"], ["4"], ["1", "3", "99"]])
    targets = find_targets(users, CATALOGUE)
    count = np.array([5, 3, 1, 1, 0, 0])
    trained = np.array([1, 2])
    result = slices.slices_of(users, targets, count, trained, Evaluation(activity_from=(1, 3)))

    def chosen(kind: str) -> dict[str, list[int]]:
        return {name: np.flatnonzero(mask).tolist() for name, mask in result[kind].items()}

    # Targets in order: user 0's item 0; user 1's 4; user 2's 1, 3 and one outside, which stands last.
    assert chosen("user_activity") == {"0": [0], "1-2": [1], "3+": [2, 3, 4]}
    # Item 0 holds half of the ten interactions, 1 reaches 80 %.
    assert chosen("target_popularity") == {"head": [0], "torso": [2], "tail": [1, 3]}
    assert chosen("user") == {"known": [1, 2, 3, 4], "unknown": [0]}
    assert chosen("target") == {"with events": [0, 2, 3], "without events": [1]}


def test_agreement_is_the_mean_jaccard_index_of_items_with_neighbours() -> None:
    ours = np.array([[1, 2, 3], [4, 5, -1], [-1, -1, -1]])
    theirs = np.array([[3, 2, 9], [4, -1, -1], [1, 2, 3]])
    result = stability.agreement(ours, theirs)
    assert result is not None
    assert result.mean_jaccard == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert result.items == 2
    assert stability.agreement(ours[2:], theirs[2:]) is None


def test_drawn_items_have_events_and_are_in_both_catalogues() -> None:
    result = stability.drawn(np.array([1, 0, 2, 3]), np.array([5, 6, -1, 0]), seed=0)
    assert sorted(result.tolist()) == [0, 3]
