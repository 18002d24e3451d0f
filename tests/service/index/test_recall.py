"""Recall of an index, against counting."""

from pathlib import Path

import numpy as np
import pytest

from service.index.build import write_lists
from service.index.lists import Lists
from service.index.recall import DEPTH, Sample, least_for
from tests.service.indexed import exact_ranking, items_with_gaps, random_items

EMBEDDING = items_with_gaps()
UNEMBEDDED = np.flatnonzero(~EMBEDDING.any(axis=1)).astype(np.int32)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Lists:
    folder = tmp_path_factory.mktemp("lists") / "index"
    write_lists(folder, EMBEDDING, UNEMBEDDED)
    return Lists(folder)


@pytest.fixture(scope="module")
def sample() -> Sample:
    left_out = np.random.default_rng(1).integers(-1, len(EMBEDDING), (90, 5)).astype(np.int32)
    return Sample.of(EMBEDDING, UNEMBEDDED, random_items(90, seed=8), left_out)


def test_best_are_those_of_the_exact_ranking(sample: Sample) -> None:
    for vector, left_out, best in zip(sample.vectors[:10], sample.left_out, sample.best, strict=False):
        expected = exact_ranking(EMBEDDING, vector, left_out.tolist())[:DEPTH]
        # Float32 products may put another item that is as near at the end.
        assert len(set(best.tolist()) & set(expected)) >= DEPTH - 1
        assert len(set(best.tolist())) == DEPTH


def test_sample_is_read_as_it_was_written(sample: Sample, tmp_path: Path) -> None:
    sample.write(tmp_path / "users.npz")
    found = Sample.read(tmp_path / "users.npz")
    for one, other in ((found.vectors, sample.vectors), (found.left_out, sample.left_out), (found.best, sample.best)):
        np.testing.assert_array_equal(one, other)


def test_split_gives_each_query_once_and_a_third_measures(sample: Sample) -> None:
    chooses, keeps = sample.split()
    assert (len(chooses.vectors), len(keeps.vectors)) == (60, 30)
    rows = {row.tobytes() for row in chooses.vectors} | {row.tobytes() for row in keeps.vectors}
    assert rows == {row.tobytes() for row in sample.vectors}


@pytest.mark.parametrize("recall", [0.5, 0.9, 0.98])
def test_least_is_the_smallest_number_with_the_recall_by_two_standard_errors(
    lists: Lists, sample: Sample, recall: float
) -> None:
    def bound(least: int) -> float:
        shares = [
            len(set(lists.scan(vector, least)[0].tolist()) & set(best.tolist())) / DEPTH
            for vector, best in zip(sample.vectors, sample.best, strict=True)
        ]
        return float(np.mean(shares) - 2 * np.std(shares) / len(shares) ** 0.5)

    least = least_for(lists, sample, recall)
    assert bound(least - 1) < recall <= bound(least)


def test_least_of_what_cannot_be_reached_is_all_that_is_needed(lists: Lists, sample: Sample) -> None:
    least = least_for(lists, sample, 1.0)
    for vector, best in zip(sample.vectors, sample.best, strict=True):
        assert set(best.tolist()) <= set(lists.scan(vector, least)[0].tolist())
