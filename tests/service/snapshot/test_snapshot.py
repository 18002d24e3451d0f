"""An opened snapshot, against the values that it was made from."""

from pathlib import Path

import numpy as np
import pytest

from common.errors import ModelError, OutputError
from configs.leave_out import FromWeight, LeaveOut
from service.snapshot.document import SnapshotDocument
from service.snapshot.snapshot import Snapshot
from tests.service.snapshots import Item, make_snapshot, write_version

KINDS = {"genres": "category", "brand": "text", "year": "number"}
ITEMS = [
    Item("b", "Título ü", 3, 50, 90, {"genres": ["x", None, "y"], "brand": ["Miller & Sons"], "year": [1990.0, 0.5]}),
    Item("a", "", 0, None, None, {"genres": None, "year": [float("nan"), None, float("inf")]}),
    Item("é", "千", 7, 50, 60, {"genres": [], "brand": ["", "z"]}),
    Item("not in the catalogue", "-", 99, 1, 1, {"genres": ["q"]}),
]
CATALOGUE = ["a", "new", "é", "b", "A"]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("snapshot")
    version = write_version(folder / "version", ITEMS, KINDS)
    embedding = np.array([[1, 0], [0, 0], [0.6, 0.8], [0, 1], [0, 0]], np.float32)
    return make_snapshot(
        folder / "made", CATALOGUE, embedding=embedding, popularity=[0.1, 0.5, 0.5, 0.9, 0.0], version=version
    )


def test_items_are_in_the_catalogues_order(snapshot: Snapshot) -> None:
    assert [snapshot.item_id(place) for place in range(5)] == CATALOGUE
    assert [snapshot.place_of(item_id) for item_id in CATALOGUE] == [0, 1, 2, 3, 4]
    assert snapshot.place_of("e\u0301") is None
    assert snapshot.places_of(["b", "?", "", "a", "b"]).tolist() == [3, -1, -1, 0, 3]
    assert snapshot.places_of([]).dtype == np.int64


def test_titles_come_from_the_version_and_else_from_the_model(snapshot: Snapshot) -> None:
    assert list(snapshot.titles) == ["", "model's new", "千", "Título ü", "model's A"]
    assert snapshot.titles[1:4] == ["model's new", "千", "Título ü"]


def test_features_leave_out_nulls_and_what_is_no_number(snapshot: Snapshot) -> None:
    assert snapshot.facts_of(3)[1] == {"genres": ["x", "y"], "brand": ["Miller & Sons"], "year": [1990.0, 0.5]}
    assert snapshot.facts_of(0)[1] == {}
    assert snapshot.facts_of(2)[1] == {"brand": ["", "z"]}
    assert snapshot.facts_of(1)[1] == {}


def test_counts_and_times_are_those_of_the_version(snapshot: Snapshot) -> None:
    assert [snapshot.count(place) for place in range(5)] == [0, None, 7, 3, None]
    assert [snapshot.first_time(place) for place in range(5)] == [None, None, 50, 50, None]
    assert [snapshot.last_time(place) for place in range(5)] == [None, None, 60, 90, None]
    assert snapshot.by_first_time.tolist() == [2, 3]


def test_arrays_are_the_models_and_cannot_be_changed(snapshot: Snapshot) -> None:
    assert snapshot.embedding is not None
    assert snapshot.unembedded.tolist() == [1, 4]
    assert snapshot.by_popularity.tolist() == [3, 1, 2, 0, 4]
    for array in (snapshot.embedding, snapshot.popularity, snapshot.by_popularity, snapshot.unembedded):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_search_gives_places_most_popular_first(snapshot: Snapshot) -> None:
    assert snapshot.search("mod", 5) == [1, 4]
    assert snapshot.search("titulo", 5) == [3]


@pytest.mark.parametrize(
    ("rule", "left_out"),
    [(None, [3, 1, 1]), ("everything", [3, 1, 1]), ("nothing", []), (FromWeight(from_weight=2), [1])],
)
def test_rule_says_what_of_a_history_is_left_out(tmp_path: Path, rule: LeaveOut | None, left_out: list[int]) -> None:
    version = write_version(tmp_path / "version", ITEMS, KINDS, leave_out=rule)
    snapshot = make_snapshot(tmp_path / "made", CATALOGUE, version=version)
    found = snapshot.left_out(np.array([3, -1, 1, 1]), np.array([0.5, 6, 2, 1.999], np.float32))
    assert found.tolist() == left_out


def test_version_without_service_data_has_the_models_titles_alone(tmp_path: Path) -> None:
    snapshot = make_snapshot(tmp_path / "made", CATALOGUE)
    assert snapshot.titles[0] == "model's a"
    assert snapshot.facts_of(0)[1] == {}
    assert snapshot.count(0) is None
    assert snapshot.history_of("u") is None
    assert snapshot.embedding is None
    assert snapshot.document == SnapshotDocument(
        source="source", items=5, dim=None, features={}, is_timed=False, users=None, leave_out="everything"
    )


def test_open_of_a_folder_without_a_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        Snapshot.open(tmp_path)


def test_version_lacks_a_column_is_refused(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", ITEMS, {})
    (version / "assets.extra/service/service.json").unlink()
    other = write_version(tmp_path / "other", ITEMS, KINDS)
    (other / "assets.extra/service/service.json").rename(version / "assets.extra/service/service.json")
    with pytest.raises(ModelError, match="no column feature:genres, feature:brand, feature:year"):
        make_snapshot(tmp_path / "made", CATALOGUE, version=version)


@pytest.mark.parametrize("wrong", [2.0, 0.9, np.nan, np.inf])
def test_embedding_of_another_length_is_refused(tmp_path: Path, wrong: float) -> None:
    embedding = np.array([[1, 0], [0, wrong]], np.float32)
    with pytest.raises(ModelError, match="length 1"):
        make_snapshot(tmp_path / "made", ["a", "b"], embedding=embedding)
