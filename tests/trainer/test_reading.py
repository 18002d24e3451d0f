"""Transformed Examples into arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_transform as tft

from common.errors import TrainingError
from tests.trainer_inputs import TrainerInputs, write_examples
from trainer.candidates import read_candidates
from trainer.histories import read_histories
from transforms import features


def row(user: str, index: int, history: list[int], weight: list[float], target: list[str]) -> dict[str, Any]:
    return {
        features.USER_ID: [user],
        features.USER_INDEX: [index],
        features.HISTORY_INDEX: history,
        features.HISTORY_WEIGHT: weight,
        features.TARGET_ITEM_ID: target,
    }


ROWS = [
    row("a", 0, [3, -1, 1], [1.0, 2.0, 6.0], ["x"]),
    row("b", -1, [], [], ["y", "z"]),
    row("c", 2, [-1], [1.0], []),
    row("d", 1, [0, 0], [0.5, 0.5], ["x"]),
]


def as_rows(split: Any) -> list[tuple[Any, ...]]:
    return [
        (
            split.user[n],
            split.item[split.offset[n] : split.offset[n + 1]].tolist(),
            split.weight[split.offset[n] : split.offset[n + 1]].tolist(),
            split.target[split.target_offset[n] : split.target_offset[n + 1]].tolist(),
        )
        for n in range(split.users)
    ]


def test_read_histories_unknown_items_are_left_out_with_their_weight(tmp_path: Path) -> None:
    write_examples(tmp_path / "one.gz", ROWS)
    result = as_rows(read_histories([str(tmp_path / "*")]))

    assert sorted(result) == [
        (-1, [], [], [b"y", b"z"]),
        (0, [3, 1], [1.0, 6.0], [b"x"]),
        (1, [0, 0], [0.5, 0.5], [b"x"]),
        (2, [], [], []),
    ]


def test_read_histories_times_stay_with_their_items_and_may_be_missing(tmp_path: Path) -> None:
    write_examples(tmp_path / "without.gz", ROWS)
    assert read_histories([str(tmp_path / "without.gz")]).timestamp is None
    timed = [
        {**each, features.HISTORY_TIMESTAMP: [5 + n for n in range(len(each[features.HISTORY_INDEX]))]} for each in ROWS
    ]
    write_examples(tmp_path / "with.gz", timed)
    split = read_histories([str(tmp_path / "with.gz")])
    assert split.timestamp is not None
    for each in ROWS:
        (n,) = np.flatnonzero(split.user == each[features.USER_INDEX][0])
        wanted = [5 + at for at, item in enumerate(each[features.HISTORY_INDEX]) if item >= 0]
        assert split.timestamp[split.offset[n] : split.offset[n + 1]].tolist() == wanted


def test_read_histories_order_of_files_and_rows_does_not_matter(tmp_path: Path) -> None:
    write_examples(tmp_path / "one" / "0.gz", ROWS)
    write_examples(tmp_path / "two" / "0.gz", [ROWS[2], ROWS[0]])
    write_examples(tmp_path / "two" / "1.gz", [ROWS[3], ROWS[1]])
    whole = as_rows(read_histories([str(tmp_path / "one" / "*")]))

    assert as_rows(read_histories([str(tmp_path / "two" / "*")])) == whole
    assert as_rows(read_histories([str(tmp_path / "two" / "*")]).take(np.arange(2))) == whole[:2]


def test_read_histories_no_examples_gives_an_empty_split(tmp_path: Path) -> None:
    write_examples(tmp_path / "0.gz", [])
    split = read_histories([str(tmp_path / "*")])
    assert (split.users, len(split.item), len(split.target)) == (0, 0, 0)


def test_read_histories_no_file_is_a_training_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No file matches"):
        read_histories([str(tmp_path / "*")])


def test_read_candidates_order_is_that_of_the_places(shop: TrainerInputs) -> None:
    graph = tft.TFTransformOutput(shop.transform_graph_path)
    interacted = graph.vocabulary_by_name(features.INTERACTED_ITEM_VOCABULARY)
    result = read_candidates(shop.candidates_files, interacted, {"genre": 3, "year": 4})

    catalogue_graph = tft.TFTransformOutput(shop.candidates_transform_graph_path)
    assert result.item_id.tolist() == catalogue_graph.vocabulary_by_name(features.CATALOGUE_VOCABULARY)
    assert result.title.tolist() == [b"Title of " + item for item in result.item_id]
    assert [result.item_id[place] for place in result.place] == interacted
    assert sorted(result.item_id[result.row == -1]) == [b"bare", b"new"]
    np.testing.assert_array_equal(result.row[result.place], np.arange(len(interacted)))

    genres = catalogue_graph.vocabulary_by_name(features.content_vocabulary("genre"))
    genre = result.content["genre"]

    def genres_of(item: bytes) -> set[bytes]:
        place = result.item_id.tolist().index(item)
        return {genres[index] for index in genre.index[genre.offset[place] : genre.offset[place + 1]]}

    assert genres_of("ü\t€".encode()) == {b"g0", b"g2"}
    assert genres_of(b"new") == {b"g1"}
    assert genres_of(b"bare") == set()


def test_read_candidates_interacted_item_is_missing_is_a_training_error(shop: TrainerInputs) -> None:
    with pytest.raises(TrainingError, match="1 of 2 interacted items are not in the catalogue"):
        read_candidates(shop.candidates_files, [b"i0", b"gone"], {})


def candidate(item: str, place: int) -> dict[str, Any]:
    return {features.ITEM_ID: [item], features.TITLE: [item], features.CATALOGUE_INDEX: [place]}


@pytest.mark.parametrize("places", [[0, 0], [0, -1], [0, 2]])
def test_read_candidates_items_without_a_place_of_their_own_are_a_training_error(
    tmp_path: Path, places: list[int]
) -> None:
    write_examples(tmp_path / "0.gz", [candidate("a", places[0]), candidate("b", places[1])])
    with pytest.raises(TrainingError, match="different places"):
        read_candidates([str(tmp_path / "*")], [], {})


def test_read_candidates_empty_catalogue_is_a_training_error(tmp_path: Path) -> None:
    write_examples(tmp_path / "0.gz", [])
    with pytest.raises(TrainingError, match="The catalogue is empty"):
        read_candidates([str(tmp_path / "*")], [], {})
