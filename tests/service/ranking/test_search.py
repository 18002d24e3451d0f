"""What is measured when an index is opened, and an index with a fault."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.index.lists import CENTROIDS_FILE, ENDS_FILE, PLACES_FILE, ROWS_FILE
from service.ranking.search import open_search
from service.snapshot.snapshot import Snapshot
from tests.service.indexed import RECALL, exact_ranking, indexed_snapshot, items_with_gaps, random_items
from tests.service.snapshots import make_snapshot

EMBEDDING = items_with_gaps()


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return indexed_snapshot(tmp_path, EMBEDDING)


def test_recall_is_that_of_queries_which_had_no_part_in_the_choice(snapshot: Snapshot) -> None:
    search = open_search(snapshot)
    assert search.index is not None
    assert (search.reason, search.is_faulty, search.lists) == ("", False, 60)
    assert {*search.recall} == {"items"}
    assert RECALL <= search.recall["items"] < 1
    assert 100 < search.compared < 1000
    with np.load(snapshot.folder / "samples/items.npz") as sample:
        assert len(sample["vectors"]) == 150
        found = []
        for vector, [out] in zip(sample["vectors"], sample["left_out"], strict=True):
            assert np.array_equal(EMBEDDING[out], vector)
            beginning = search.index.beginning(vector, np.array([out]))
            assert beginning is not None
            found.append(len(set(beginning.places.tolist()) & set(exact_ranking(EMBEDDING, vector, [out])[:100])))
    assert search.recall["items"] == pytest.approx(np.mean(found) / 100, abs=1e-3)


def wrong_ids(places: np.ndarray) -> np.ndarray:
    return np.roll(places, 1)


def doubled(places: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(places)) == 7, places[8], places)


def outside(places: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(places)) == 7, 4000, places)


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        (PLACES_FILE, wrong_ids, r"has 0\.[0-8]"),
        (PLACES_FILE, doubled, "does not hold each item once"),
        (PLACES_FILE, outside, "does not hold each item once"),
        (ROWS_FILE, lambda rows: rows[::-1].copy(), r"has 0\.[0-8]"),
        (ROWS_FILE, lambda rows: rows[:-1], "do not fit together"),
        (CENTROIDS_FILE, lambda centroids: centroids[::-1].copy(), r"has 0\.[0-8]"),
        (ENDS_FILE, lambda ends: ends[:-1], "do not fit together"),
        (ENDS_FILE, lambda ends: ends + 1, "do not fit together"),
    ],
)
def test_index_with_a_fault_is_not_used_and_says_so(
    snapshot: Snapshot, file: str, damage: Callable[[np.ndarray], np.ndarray], says: str
) -> None:
    path = snapshot.folder / "index" / file
    np.save(path, damage(np.load(path)))
    search = open_search(snapshot)
    assert (search.index, search.is_faulty) == (None, True)
    assert (search.recall, search.lists, search.compared) == ({}, None, 4000)
    assert re.search(says, search.reason), search.reason


@pytest.mark.parametrize("file", [f"index/{PLACES_FILE}", f"index/{ROWS_FILE}", "samples/items.npz"])
@pytest.mark.parametrize("is_cut", [True, False])
def test_index_that_cannot_be_read_is_not_used(snapshot: Snapshot, file: str, is_cut: bool) -> None:
    path = snapshot.folder / file
    if is_cut:
        path.write_bytes(path.read_bytes()[:300])
    else:
        path.unlink()
    search = open_search(snapshot)
    assert (search.index, search.is_faulty) == (None, True)
    # Without the queries nothing shows what it finds.
    assert "cannot be read" in search.reason or "has nothing" in search.reason


def test_catalogue_in_which_an_index_finds_too_little_is_searched_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    nothing_in_common = rng.normal(size=(1200, 64)).astype(np.float32)
    nothing_in_common /= np.linalg.norm(nothing_in_common, axis=1, keepdims=True)
    search = open_search(indexed_snapshot(tmp_path, nothing_in_common, recall=0.99))
    assert (search.index, search.is_faulty, search.compared) == (None, False, 1200)
    assert search.reason.startswith("for a recall of 0.99, ")
    assert search.reason.endswith("% of the items would have to be compared")


def test_small_catalogue_is_searched_exactly(tmp_path: Path) -> None:
    search = open_search(indexed_snapshot(tmp_path, random_items(1000)))
    assert (search.index, search.reason, search.is_faulty) == (None, "the catalogue is small", False)


def test_snapshot_for_which_no_index_was_asked_is_searched_exactly(tmp_path: Path) -> None:
    search = open_search(make_snapshot(tmp_path / "made", ["a", "b"], embedding=random_items(2)))
    assert (search.index, search.reason, search.is_faulty) == (None, "no index was asked for", False)
