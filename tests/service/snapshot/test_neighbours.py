"""The table of neighbours: what is asked for it, and the reasons that it gives, against loops."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from common.errors import ModelError
from service.snapshot import neighbours as module
from service.snapshot.neighbours import Neighbours, read_neighbours, write_neighbours

IDS = ["a", "b", "ü", "d"]
SIMILAR = {"a": [("b", 0.5), ("d", 0.25)], "b": [], "ü": [("a", 2.0)], "d": [("a", 0.125), ("b", 0.1), ("ü", 0.1)]}


def written(folder: Path, similar: dict[str, list[tuple[str, float]]]) -> Neighbours:
    async def ask(signature: str, inputs: object) -> dict[str, np.ndarray]:
        assert signature == "similar_items"
        assert isinstance(inputs, dict)
        width = int(inputs["k"][0])
        rows = [(similar[item.decode()] + [("", -3e38)] * width)[:width] for item in inputs["item_id"]]
        ids = [[item.encode() for item, _ in row] for row in rows]
        return {
            "item_id": np.array(ids, object).reshape(len(rows), width),
            "score": np.array([[score for _, score in row] for row in rows], np.float32),
        }

    asyncio.run(write_neighbours(ask, folder, IDS))
    return read_neighbours(folder)


@pytest.mark.parametrize("page", [1, 130, 2 << 20])  # of one item, of three, of all
def test_table_holds_what_the_model_says(tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BYTES_A_PAGE", page)
    table = written(tmp_path, SIMILAR)
    assert table.places.tolist() == [[1, 3, -1, -1], [-1, -1, -1, -1], [0, -1, -1, -1], [0, 1, 2, -1]]
    np.testing.assert_allclose(table.weights[3], [0.125, 0.1, 0.1, 0])
    assert not table.weights[1].any()


def test_table_is_cut_to_so_many_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEIGHBOURS", 1)
    assert written(tmp_path, SIMILAR).places.tolist() == [[1], [-1], [0], [0]]


@pytest.mark.parametrize("length", [1, 36, 512])
def test_answers_fit_into_a_message_however_long_ids_are(tmp_path: Path, length: int) -> None:
    ids = [f"{n:0{length}}"[-length:] if length > 3 else f"{n}" for n in range(700)]
    sizes = list[int]()

    async def ask(signature: str, inputs: object) -> dict[str, np.ndarray]:
        assert isinstance(inputs, dict)
        rows, width = len(inputs["item_id"]), int(inputs["k"][0])
        sizes.append(rows * width * (max(map(len, ids)) + 7))  # an id with its two bytes of length, and a score
        found = np.array([[item.encode() for item in ids[:width]]] * rows, object)
        return {"item_id": found, "score": np.ones((rows, width), np.float32)}

    asyncio.run(write_neighbours(ask, tmp_path, ids))
    assert max(sizes) < 4 << 20
    assert read_neighbours(tmp_path).places.shape == (700, 200)


def test_item_that_the_catalogue_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="b'x', which is not in the catalogue"):
        written(tmp_path, SIMILAR | {"b": [("x", 1.0)]})


def test_nearest_is_the_first_of_the_best_of_those_asked() -> None:
    rng = np.random.default_rng(0)
    places = np.array([rng.permutation(30)[:5] for _ in range(30)], np.int32)
    places[3, 2:] = -1
    weights = np.where(places >= 0, rng.integers(1, 4, places.shape), 0).astype(np.float32)  # many are equal
    asked, answered = np.array([3, 9, 9, 4, 17]), rng.permutation(30)[:12]
    reasons, found = Neighbours(places, weights).nearest(asked, answered)
    for answer, reason, weight in zip(answered.tolist(), reasons.tolist(), found.tolist(), strict=True):
        best = (-1, 0.0)
        for one in asked.tolist():
            for place, near in zip(places[one].tolist(), weights[one].tolist(), strict=True):
                if place == answer and near > best[1]:
                    best = (one, near)
        assert (reason, weight) == best


def test_nearest_of_nothing_is_nothing() -> None:
    table = Neighbours(np.array([[1], [0]], np.int32), np.ones((2, 1), np.float32))
    nothing = np.zeros(0, np.int64)
    assert table.nearest(nothing, np.array([0, 1]))[0].tolist() == [-1, -1]
    assert table.nearest(np.array([0]), nothing)[0].tolist() == []
