"""The two preprocessing functions, analysed and applied by TFT itself on a few rows."""

from pathlib import Path
from typing import Any

import pytest

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from configs.catalogue import CatalogueSettings
from transforms import catalogue, features, interactions

pytestmark = pytest.mark.e2e

INTERACTIONS = {
    features.USER_ID: tf.string,
    features.ITEM_ID: tf.string,
    features.VALUE: tf.float32,
    features.TARGET_ITEM_ID: tf.string,
}
TRAIN = [
    {"user_id": ["u 1"], "item_id": ["a", "b", "ü\t2"], "value": [0.5, 2.0, 6.0], "target_item_id": []},
    {"user_id": ["u2"], "item_id": ["a"], "value": [2.0], "target_item_id": []},
]
EVAL = [
    {"user_id": ["new"], "item_id": ["b", "unseen"], "value": [2.0, 0.5], "target_item_id": ["later", "a"]},
    {"user_id": ["u2"], "item_id": [], "value": [], "target_item_id": ["b"]},
]
CATALOGUE_CONFIG: dict[str, Any] = {
    "words": {"kind": "text", "column": 0},
    "letters": {"kind": "text", "column": 0, "tokens": "char_trigrams"},
    "genres": {"kind": "category", "column": 0, "separator": "|", "max_vocabulary": 2},
    "year": {"kind": "number", "column": 0, "buckets": 2},
}
ITEMS = [
    {
        "item_id": ["a"],
        "title": ["Amélie, 2"],
        "words": ["Amélie, 2"],
        "letters": ["Été"],
        "genres": ["x", "y"],
        "year": [1.0],
    },
    {"item_id": ["b"], "title": ["B"], "words": ["the AMÉLIE"], "letters": ["a"], "genres": ["x"], "year": [2.0]},
    {"item_id": ["c"], "title": ["c"], "words": [], "letters": [], "genres": ["y", "rare"], "year": []},
    {"item_id": ["d"], "title": ["c"], "words": ["?!"], "letters": ["ab"], "genres": [], "year": [4.0]},
]


def _transform(
    preprocessing_fn: Any, spec: dict[str, Any], analyse: list[Any], apply: list[Any], folder: Path
) -> tuple[list[dict[str, Any]], tft.TFTransformOutput]:
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec({name: tf.io.VarLenFeature(dtype) for name, dtype in spec.items()})
    )
    with tft_beam.Context(temp_dir=str(folder / "tmp")):
        graph = (analyse, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        rows, _ = ((apply, metadata), graph) | tft_beam.TransformDataset()
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    return rows, tft.TFTransformOutput(str(folder / "graph"))


Transformed = tuple[list[dict[str, Any]], tft.TFTransformOutput]


@pytest.fixture(scope="module")
def transformed(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Transformed]:
    """The rows and the graph, with and without weights."""

    def transform(weighted: bool) -> Transformed:
        settings = {"weighted": weighted}
        folder = tmp_path_factory.mktemp("interactions")
        return _transform(
            lambda inputs: interactions.preprocessing_fn(inputs, settings), INTERACTIONS, TRAIN, EVAL, folder
        )

    return {weighted: transform(weighted) for weighted in (False, True)}


def test_interactions_eval_only_ids_are_outside_the_vocabulary(transformed: dict[bool, Transformed]) -> None:
    rows, graph = transformed[False]

    users = graph.vocabulary_by_name(features.USER_VOCABULARY)
    items = graph.vocabulary_by_name(features.INTERACTED_ITEM_VOCABULARY)
    assert sorted(users) == [b"u 1", b"u2"]
    assert items[0] == b"a"  # the most frequent comes first
    assert sorted(items) == [b"a", b"b", "ü\t2".encode()]
    assert rows[0][features.USER_INDEX] == -1
    assert rows[1][features.USER_INDEX] == users.index(b"u2")
    assert list(rows[0][features.HISTORY_INDEX]) == [items.index(b"b"), -1]
    assert list(rows[0][features.TARGET_ITEM_ID]) == [b"later", b"a"]


def test_interactions_plain_likes_weigh_one(transformed: dict[bool, Transformed]) -> None:
    rows, _ = transformed[False]
    assert list(rows[0][features.HISTORY_WEIGHT]) == [1.0, 1.0]


def test_interactions_event_weights_weigh_the_history(transformed: dict[bool, Transformed]) -> None:
    rows, _ = transformed[True]
    assert list(rows[0][features.HISTORY_WEIGHT]) == [2.0, 0.5]


@pytest.mark.parametrize("weighted", [True, False])
def test_interactions_rows_lack_each_others_values_is_refused_where_values_weigh(
    transformed: dict[bool, Transformed], weighted: bool
) -> None:
    _, graph = transformed[weighted]
    rows = [([b"a", b"b"], [1.0]), ([b"a"], [2.0, 6.0])]
    inputs = {
        features.USER_ID: tf.sparse.from_dense([["u2"], ["u2"]]),
        features.ITEM_ID: tf.ragged.constant([item for item, _ in rows]).to_sparse(),
        features.VALUE: tf.ragged.constant([value for _, value in rows]).to_sparse(),
        features.TARGET_ITEM_ID: tf.sparse.from_dense([[""], [""]]),
    }
    layer = graph.transform_features_layer()
    if weighted:
        with pytest.raises(tf.errors.InvalidArgumentError, match="one value for each item_id"):
            layer(inputs)
    else:
        assert layer(inputs)[features.HISTORY_WEIGHT].values.numpy().tolist() == [1.0, 1.0, 1.0]


def test_interactions_empty_history_stays_empty(transformed: dict[bool, Transformed]) -> None:
    rows, _ = transformed[True]
    assert rows[1][features.HISTORY_INDEX].size == 0
    assert rows[1][features.HISTORY_WEIGHT].size == 0


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    spec = dict.fromkeys(("item_id", "title", "words", "letters", "genres"), tf.string) | {"year": tf.float32}
    return _transform(
        lambda inputs: catalogue.preprocessing_fn(inputs, {"features": CATALOGUE_CONFIG}),
        spec,
        ITEMS,
        ITEMS,
        tmp_path_factory.mktemp("catalogue"),
    )


def _content(items: Transformed, row: int, name: str) -> list[str]:
    vocabulary = items[1].vocabulary_by_name(features.content_vocabulary(name))
    indices = items[0][row][features.content_index(name)]
    return [vocabulary[index].decode() if index >= 0 else "(outside)" for index in indices]


def test_catalogue_places_are_distinct_and_dense(items: Any) -> None:
    assert sorted(row[features.CATALOGUE_INDEX] for row in items[0]) == [0, 1, 2, 3]
    places = items[1].vocabulary_by_name(features.CATALOGUE_VOCABULARY)
    assert all(places[row[features.CATALOGUE_INDEX]] == row[features.ITEM_ID] for row in items[0])


def test_catalogue_words_are_lower_case_without_punctuation(items: Any) -> None:
    assert _content(items, 0, "words") == ["amélie", "2"]
    assert _content(items, 1, "words") == ["the", "amélie"]
    assert _content(items, 2, "words") == _content(items, 3, "words") == []


def test_catalogue_trigrams_count_letters_not_bytes(items: Any) -> None:
    assert _content(items, 0, "letters") == [" ét", "été", "té "]
    assert _content(items, 1, "letters") == [" a "]
    assert _content(items, 2, "letters") == []


def test_catalogue_categories_beyond_the_vocabulary_are_outside(items: Any) -> None:
    assert _content(items, 0, "genres") == ["x", "y"]
    assert _content(items, 2, "genres") == ["y", "(outside)"]


def test_catalogue_numbers_fall_into_quantiles_and_missing_ones_nowhere(items: Any) -> None:
    buckets = [list(row[features.content_index("year")]) for row in items[0]]
    assert buckets[0] < buckets[3]
    assert buckets[2] == []


def test_content_sizes_bound_every_index(items: Any) -> None:
    sizes = catalogue.content_sizes(items[1], CatalogueSettings(features=CATALOGUE_CONFIG).features)
    assert sizes == {"words": 3, "letters": len({" ét", "été", "té ", " a ", " ab", "ab "}), "genres": 2, "year": 2}
    for row in items[0]:
        for name, size in sizes.items():
            assert all(index < size for index in row[features.content_index(name)])
