"""The index's lists, against products of everything with everything."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from service.index.build import write_lists
from service.index.lists import CENTROIDS_FILE, PLACES_FILE, Lists
from tests.service.indexed import items_with_gaps, random_items

EMBEDDING = items_with_gaps()
QUERIES = random_items(20, seed=8)


def lists_of(folder: Path, embedding: np.ndarray) -> Lists:
    write_lists(folder / "index", embedding, np.flatnonzero(~embedding.any(axis=1)).astype(np.int32))
    return Lists(folder / "index")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Lists:
    return lists_of(tmp_path_factory.mktemp("lists"), EMBEDDING)


def test_lists_hold_each_item_with_an_embedding_once(lists: Lists) -> None:
    assert sorted(lists.places.tolist()) == np.flatnonzero(EMBEDDING.any(axis=1)).tolist()
    assert (lists.items, lists.count) == (3600, 60)


def test_items_are_in_the_list_of_the_nearest_centroid(lists: Lists, tmp_path: Path) -> None:
    lists_of(tmp_path, EMBEDDING)
    centroids = np.load(tmp_path / "index" / CENTROIDS_FILE)
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    for place, number in zip(lists.places.tolist()[::37], lists.list_of().tolist()[::37], strict=True):
        cosines = [float(np.dot(EMBEDDING[place], centroid)) for centroid in centroids]
        assert cosines[number] == pytest.approx(max(cosines), abs=1e-6)


@pytest.mark.parametrize("least", [1, 50, 700, 3600, 10_000])
def test_scan_compares_the_nearest_lists_until_it_is_enough(lists: Lists, least: int) -> None:
    for vector in QUERIES:
        places, cosines = lists.scan(vector, least)
        assert len(set(places.tolist())) == len(places) == lists.compared(vector, least) >= min(least, 3600)
        np.testing.assert_allclose(cosines, EMBEDDING[places].astype(np.float64) @ vector, atol=1e-6)
        number_of = dict(zip(lists.places.tolist(), lists.list_of().tolist(), strict=True))
        sizes = Counter(number_of.values())
        probed = {number_of[place] for place in places.tolist()}
        assert len(places) == sum(sizes[number] for number in probed)  # whole lists
        nearest = [number for number in lists.nearest_first(vector).tolist() if sizes[number]]
        assert probed == set(nearest[: len(probed)])
        # Without the last one it would not be enough.
        assert len(places) - sizes[nearest[len(probed) - 1]] < least


def test_lists_of_the_same_items_are_the_same(lists: Lists, tmp_path: Path) -> None:
    assert lists_of(tmp_path, EMBEDDING).places.tolist() == lists.places.tolist()


def test_items_that_are_all_alike_are_found(tmp_path: Path) -> None:
    # All but one centroid are without items, in every round.
    alike = np.repeat(random_items(1), 500, axis=0)
    lists = lists_of(tmp_path, alike)
    places, cosines = lists.scan(alike[0], 1)
    assert sorted(places.tolist()) == list(range(500))
    np.testing.assert_allclose(cosines, 1, atol=1e-6)


def test_items_that_cancel_out_have_centroids_all_the_same(tmp_path: Path) -> None:
    one = random_items(1)
    lists = lists_of(tmp_path, np.concatenate([one, -one]))
    assert sorted(lists.scan(one[0], 2)[0].tolist()) == [0, 1]


def test_damaged_file_is_refused(lists: Lists, tmp_path: Path) -> None:
    lists_of(tmp_path, EMBEDDING)
    path = tmp_path / "index" / PLACES_FILE
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError):
        Lists(tmp_path / "index")
