"""How an answer is compared with the trainer's."""

import base64
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf

from common.answers import PADDING_SCORE, array, compare, same_ranking
from serving_signatures import ranking, serving_requests

INF = float("inf")
PAD = PADDING_SCORE


def encoded(tensor: Any) -> dict[str, Any]:
    """As the script reads it: JSON values."""
    return serving_requests.encoded(tensor).model_dump(mode="json")


def compared(result: Any, want: Any, tolerance: float = 1e-3) -> list[str]:
    value, wanted = np.array(result, np.float32), tf.constant(want, tf.float32)
    return compare({"embedding": value}, {"embedding": encoded(wanted)}, tolerance)[0]


def test_compare_equal_tells_no_failure_and_no_difference() -> None:
    value = np.array([[0.5, -1.0]], np.float32)
    assert compare({"x": value}, {"x": encoded(tf.constant(value))}, 1e-6) == ([], 0.0)


@pytest.mark.parametrize(
    ("result", "want", "said"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.001], [3.0, 4.0]], None),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.01], [3.0, 4.0]], "differs from the trainer's by"),
        # Relative to its own row: small rows are held to small differences.
        ([[1000.0], [0.001]], [[1000.5], [0.001]], None),
        ([[1000.0], [0.001]], [[1000.0], [0.0011]], "differs from the trainer's by"),
        ([[0.0, 0.0]], [[0.0, 0.0]], None),
        ([[0.0, 1e-9]], [[0.0, 0.0]], "differs from the trainer's by"),
        ([[float("nan")]], [[1.0]], "not finite"),
        ([[1.0]], [[float("nan")]], "not finite"),
        ([[float("nan")]], [[float("nan")]], "not finite"),
        ([[1.0, -INF]], [[1.0, -INF]], "not finite"),
        ([[1.0, INF]], [[1.0, 2.0]], "not finite"),
        ([[1.0, PAD]], [[1.0, PAD]], None),
        ([[1.01, PAD]], [[1.0, PAD]], "differs from the trainer's by"),
        ([[1.0, PAD]], [[1.0, 0.0]], "padding"),
        ([[1.0, 0.0]], [[1.0, PAD]], "padding"),
        ([[PAD, 1.0]], [[1.0, PAD]], "padding"),
        ([[1.0]], [[1.0, 2.0]], "but should have"),
        (np.zeros([0, 3]), np.zeros([0, 3]), None),
        (np.zeros([0, 3]), np.zeros([0, 4]), "but should have"),
    ],
)
def test_compare_numbers_row_by_row(result: Any, want: Any, said: str | None) -> None:
    failures = compared(result, want)
    assert [said in failure for failure in failures if said] == ([True] if said else [])
    assert bool(failures) == bool(said)


def ranked(items: str, scores: list[float], rows: int = 1) -> dict[str, Any]:
    return {
        "item_id": tf.constant([[c.strip().encode() for c in items]] * rows),
        "score": tf.constant([scores] * rows, tf.float32),
    }


@pytest.mark.parametrize(
    ("items", "is_same"),
    [
        ("abcd", True),
        ("bacd", True),  # a and b are nearly equal
        ("abdc", False),
        ("acbd", False),
        ("abce", True),  # the cut may fall between equals that are not listed
        ("abcc", False),
        ("abc ", False),
    ],
)
def test_compare_ranking_near_equal_scores_may_change_places(items: str, is_same: bool) -> None:
    scores = [1.0, 0.9999, 0.5, 0.2]
    result = {name: value.numpy() for name, value in ranked(items, scores).items()}
    stored = {name: encoded(value) for name, value in ranked("abcd", scores).items()}
    failures, _ = compare(result, stored, 1e-3)
    assert failures == ([] if is_same else ["item_id differs from the trainer's in 1 of 1 rows"])


def test_same_ranking_padding_must_stay_and_then_the_last_counts_too() -> None:
    score = np.array([1.0, 0.5, PAD], np.float32)
    assert same_ranking([b"a", b"b", b""], [b"a", b"b", b""], score, 1e-4, k=3)
    assert not same_ranking([b"a", b"c", b""], [b"a", b"b", b""], score, 1e-4, k=3)
    assert not same_ranking([b"a", b"b", b"c"], [b"a", b"b", b""], score, 1e-4, k=3)
    nothing = np.array([PAD], np.float32)
    assert same_ranking([b""], [b""], nothing, 1e-4, k=1)
    assert same_ranking([], [], nothing[:0], 1e-4, k=1)


def test_same_ranking_narrower_row_may_be_cut_between_equals() -> None:
    score = np.array([1.0, 0.5, PAD], np.float32)
    assert same_ranking([b"a", b"c", b""], [b"a", b"b", b""], score, 1e-4, k=2)
    assert not same_ranking([b"c", b"b", b""], [b"a", b"b", b""], score, 1e-4, k=2)
    assert not same_ranking([b"a", b"c", b"d"], [b"a", b"b", b""], score, 1e-4, k=2)


def test_padding_score_is_that_of_the_signatures() -> None:
    assert ranking.PADDING_SCORE == PADDING_SCORE


def test_compare_ids_without_scores_and_flags_are_exact() -> None:
    stored = {"known": encoded(tf.constant([True, False])), "item_id": encoded(tf.constant([b"a", b"b"]))}
    same = {"known": np.array([True, False]), "item_id": np.array([b"a", b"b"], object)}
    assert compare(same, stored, 1e-3) == ([], 0.0)
    other = {"known": np.array([True, True]), "item_id": np.array([b"b", b"a"], object)}
    assert compare(other, stored, 1e-3)[0] == [
        "known differs from the trainer's in 1 of 2 places",
        "item_id differs from the trainer's in 2 of 2 places",
    ]


@pytest.mark.parametrize(
    "value",
    [
        tf.constant([1, 2], tf.int32),
        tf.constant([[True], [False]]),
        tf.constant([[b"\xff\x00", b""]]),
        tf.constant([[float("nan"), -INF]]),
        tf.zeros([0, 3], tf.string),
        tf.zeros([1, 0], tf.string),
        tf.zeros([0]),
    ],
)
def test_array_reads_what_the_export_wrote(value: Any) -> None:
    result = array(encoded(value))
    np.testing.assert_array_equal(result.reshape(value.shape), value.numpy())
    assert result.dtype == value.numpy().dtype or result.dtype == object


def test_array_wide_answer_gives_its_stored_columns() -> None:
    wide = np.arange(600, dtype=np.int64).reshape(2, 300)
    form = encoded(tf.constant(wide))
    assert len(base64.b64decode(form["data"])) == 2 * 100 * 8
    np.testing.assert_array_equal(array(form), wide[:, :100])
