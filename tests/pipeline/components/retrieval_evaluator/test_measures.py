"""Measures of lists and the slices, by hand."""

import math

import numpy as np
import pyarrow as pa
import pytest

from configs.evaluation import Evaluation
from pipeline.components.retrieval_evaluator import blocks, measures, slices, stability
from pipeline.components.retrieval_evaluator.stages import Cut
from pipeline.components.retrieval_evaluator.users import Users
from transforms import features
from transforms.hashing import ID_HASHES


def made(histories: list[list[int]], targets: list[list[int]]) -> Users:
    """Users of whole numbers as ids, which are also the places; 99 is outside the catalogue of 6."""

    def lists(values: list[list[int]]) -> pa.Array:
        return pa.array([[str(value).encode() for value in row] for row in values], pa.large_list(blocks.ID))

    table = pa.table(
        {
            blocks.HASH: pa.array(range(len(histories)), pa.int64()),
            features.ITEM_ID: lists(histories),
            features.VALUE: pa.array([[1.0] * len(row) for row in histories], pa.large_list(pa.float32())),
            features.TARGET_ITEM_ID: lists(targets),
        }
    )
    catalogue = pa.array([str(place).encode() for place in range(6)], blocks.ID)
    return Users.of_blocks([blocks.without_ids(table)], catalogue, weighted=False)


def test_users_targets_twice_met_and_outside_the_catalogue() -> None:
    users = made([[0, 1], [2]], [[1, 3, 3], [99, 98, 99]])
    assert users.target_row.tolist() == [0, 0, 1, 1]
    assert users.target.tolist() == [1, 3, -1, -1]
    assert users.met().tolist() == [True, False, False, False]


def test_users_of_several_blocks_stand_in_hash_order() -> None:
    catalogue = pa.array([b"a", b"b"], blocks.ID)

    def block(hash_: int, item: bytes, weight: float, target: bytes) -> pa.Table:
        ids = pa.large_list(blocks.ID)
        return blocks.without_ids(
            pa.table(
                {
                    blocks.HASH: pa.array([hash_], pa.int64()),
                    features.ITEM_ID: pa.array([[item, b"a"]], ids),
                    features.VALUE: pa.array([[weight, 1.0]], pa.large_list(pa.float32())),
                    features.TARGET_ITEM_ID: pa.array([[target]], ids),
                }
            )
        )

    users = Users.of_blocks([block(9, b"b", 2.0, b"a"), block(4, b"x", 6.0, b"b")], catalogue, weighted=True)
    assert users.hash.tolist() == [4, 9]
    assert users.item.tolist() == [-1, 0, 1, 0]
    assert users.weight.tolist() == [6.0, 1.0, 2.0, 1.0]
    assert (users.target_row.tolist(), users.target.tolist()) == ([0, 1], [1, 0])


def test_cut_keeps_the_smallest_hashes_however_they_come() -> None:
    cut = Cut(3)
    parts = [cut.add_input(cut.create_accumulator(), np.array(part)) for part in ([9, 4, 7, 1], [], [3, 8])]
    assert cut.extract_output(cut.merge_accumulators(parts)) == (6, 4)
    assert cut.extract_output(cut.create_accumulator()) == (0, ID_HASHES)


def test_user_sums_by_hand() -> None:
    users = made([[0], [1]], [[2, 0], [5]])
    ranked = np.array([[1, 2, -1], [0, 7, 5]])  # 7 is an item that the catalogue no longer has
    count = np.array([4, 2, 1, 1, 0, 0])
    figures = measures.user_sums(ranked, users, count, {}, (1, 3))
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
    users = made([[], [0, 1], [0, 1, 2, 3, 0]], [[0], [4], [1, 3, 99]])
    count = np.array([5, 3, 1, 1, 0, 0])
    trained = np.array([1, 2])
    came = slices.slices_of(users, count, trained, Evaluation(activity_from=(1, 3)))

    def chosen(kind: str) -> dict[str, list[int]]:
        return {name: np.flatnonzero(mask).tolist() for name, mask in came[kind].items()}

    # Targets in order: user 0's item 0; user 1's 4; user 2's 1, 3 and one outside, which stands last.
    assert chosen("user_activity") == {"0": [0], "1-2": [1], "3+": [2, 3, 4]}
    # Item 0 holds half of the ten interactions, 1 reaches 80 %.
    assert chosen("target_popularity") == {"head": [0], "torso": [2], "tail": [1, 3]}
    assert chosen("user") == {"known": [1, 2, 3, 4], "unknown": [0]}
    assert chosen("target") == {"with events": [0, 2, 3], "without events": [1]}


def test_agreement_is_the_mean_jaccard_index_of_items_with_neighbours() -> None:
    ours = np.array([[1, 2, 3], [4, 5, -1], [-1, -1, -1]])
    theirs = np.array([[3, 2, 9], [4, -1, -1], [1, 2, 3]])
    came = stability.agreement(ours, theirs)
    assert came is not None
    assert (came.mean_jaccard, came.items) == (pytest.approx((2 / 4 + 1 / 2) / 2), 2)
    assert stability.agreement(ours[2:], theirs[2:]) is None


def test_drawn_items_have_events_and_are_in_both_catalogues() -> None:
    came = stability.drawn(np.array([1, 0, 2, 3]), np.array([5, 6, -1, 0]), seed=0)
    assert sorted(came.tolist()) == [0, 3]
