import numpy as np
import pytest

from pipeline.commands.notebook import catalogue
from pipeline.commands.notebook.catalogue import EmbeddingMap


def _places(embedding: list[list[float]], ids: str) -> EmbeddingMap:
    rows = np.asarray(embedding, np.float32)
    return EmbeddingMap(
        list(ids), [f"Title {item}" for item in ids], rows / np.linalg.norm(rows, axis=1, keepdims=True)
    )


def test_flatten_keeps_the_two_widest_directions() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(50, 2)) * [5, 2]
    turn, _ = np.linalg.qr(random.normal(size=(6, 6)))
    embedding = (np.pad(flat, [(0, 0), (0, 4)]) @ turn + 3).astype(np.float32)
    found = catalogue.flatten(embedding)
    expected = flat - flat.mean(axis=0)
    # A plane may be turned and mirrored; distances on it may not change.
    assert np.linalg.norm(found[:, None] - found[None], axis=2) == pytest.approx(
        np.linalg.norm(expected[:, None] - expected[None], axis=2), abs=1e-3
    )


def test_neighbours_nearest_first_and_never_itself() -> None:
    places = _places([[1, 0], [0.9, 0.1], [0, 1], [0.5, 0.5]], "abcd")
    assert catalogue.neighbours(places, 2).tolist() == [[1, 3], [0, 3], [3, 1], [1, 0]]
    assert catalogue.neighbours(places, 99).shape == (4, 3)


def test_moved_the_item_that_went_elsewhere_comes_first_and_strangers_are_left_out() -> None:
    before = _places([[1, 0], [0.99, 0.1], [0.98, 0.12], [0, 1], [0.1, 1], [0.05, 1]], "abcxyz")
    after = _places([[0, 1.01], [0.99, 0.1], [0.98, 0.12], [0, 1], [0.1, 1], [1, 1]], "abcxyn")
    rows = catalogue.moved(before, after, k=2)
    assert {row["item_id"] for row in rows} == set("abcxy")
    assert rows[0]["item_id"] == "a"
    assert rows[0]["shared neighbours (Jaccard@2)"] == 0


def test_map_chart_names_the_items() -> None:
    svg = catalogue.map_chart(_places([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "abc"), ["b"])
    assert ">Title b<" in svg
    assert ">Title a<" not in svg
