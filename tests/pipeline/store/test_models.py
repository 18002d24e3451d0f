"""Items by id, title and part of a title, in a model of a catalogue alone; and models that cannot answer."""

from pathlib import Path

import pytest
import tensorflow as tf

from common.errors import ModelError
from pipeline.store.models import LocalModel

TITLES = {"b1": "Alien", "b2": "Aliens", **{f"c{n}": f"Cube {n}" for n in range(10)}, "d": "cube"}


class Catalogue(tf.Module):
    """A model that knows its items and nothing else."""

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int64, "offset"), tf.TensorSpec([1], tf.int64, "limit")])
    def catalogue(self, offset: tf.Tensor, limit: tf.Tensor) -> dict[str, tf.Tensor]:
        page = slice(offset[0], offset[0] + limit[0])
        item_id = tf.constant(list(TITLES))[page]
        total = tf.fill(tf.shape(item_id), tf.constant(len(TITLES), tf.int64))
        return {"item_id": item_id, "title": tf.constant(list(TITLES.values()))[page], "total": total}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    folder = str(tmp_path_factory.mktemp("model"))
    module = Catalogue()
    tf.saved_model.save(module, folder, signatures={"catalogue": module.catalogue})
    return LocalModel(folder)


@pytest.mark.parametrize(("asked", "found"), [("b2", "b2"), ("ALIEN", "b1"), ("liens", "b2"), ("Cube", "d")])
def test_find_id_then_whole_title_then_part(model: LocalModel, asked: str, found: str) -> None:
    assert model.find(asked) == found


def test_find_part_of_several_titles_lists_some_and_says_what_to_give(model: LocalModel) -> None:
    with pytest.raises(ModelError) as caught:
        model.find("ube ")
    listed = ", ".join(f"c{n} (Cube {n})" for n in range(8))
    assert str(caught.value) == (
        f"'ube ' fits several items: {listed} and 2 more. Give an id or a longer part of the title."
    )


def test_find_nothing_names_model_and_item(model: LocalModel) -> None:
    with pytest.raises(ModelError, match="has the id or title 'Dune'"):
        model.find("Dune")


class Damaged(tf.Module):
    """A model whose catalogue has one item twice, and whose answers name an item outside the catalogue."""

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int64, "offset"), tf.TensorSpec([1], tf.int64, "limit")])
    def catalogue(self, offset: tf.Tensor, limit: tf.Tensor) -> dict[str, tf.Tensor]:
        page = tf.constant(["a", "b", "a"])[offset[0] : offset[0] + limit[0]]
        return {"item_id": page, "title": page, "total": tf.fill(tf.shape(page), tf.constant(3, tf.int64))}

    @tf.function(input_signature=[tf.TensorSpec([1], tf.string, "item_id"), tf.TensorSpec([1], tf.int32, "k")])
    def similar(self, item_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.debugging.assert_less(k, 5, "too many")
        return {"item_id": tf.constant([["b", "z"]]), "score": tf.constant([[0.5, 0.25]])}

    @tf.function(input_signature=[])
    def recommend(self) -> dict[str, tf.Tensor]:
        return {"item_id": tf.constant([["a"]])}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    folder, module = str(tmp_path_factory.mktemp("damaged")), Damaged()
    signatures = {"catalogue": module.catalogue, "similar_items": module.similar, "recommend": module.recommend}
    tf.saved_model.save(module, folder, signatures=signatures)
    return LocalModel(folder)


def test_titles_item_twice_ends_and_has_every_item(damaged: LocalModel) -> None:
    assert damaged.titles == {"a": "a", "b": "b"}


def test_similar_answer_outside_the_catalogue_has_no_title(damaged: LocalModel) -> None:
    assert [(answer.item_id, answer.title) for answer in damaged.similar("a", 2)] == [("b", "b"), ("z", "")]


def test_similar_signature_that_fails_is_reported(damaged: LocalModel) -> None:
    with pytest.raises(ModelError, match=rf"the model at {damaged.path} cannot answer similar_items .*too many"):
        damaged.similar("a", 5)


@pytest.mark.parametrize(
    ("served", "missing"), [("damaged", "known_user, score"), ("model", "item_id, known_user, score")]
)
def test_recommend_signature_or_output_is_missing_is_reported(
    request: pytest.FixtureRequest, served: str, missing: str
) -> None:
    with pytest.raises(ModelError, match=rf"has no output {missing} of the signature recommend"):
        request.getfixturevalue(served).recommend("u", [], 3)


@pytest.mark.parametrize(
    "file", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
@pytest.mark.parametrize("damage", ["deleted", "cut"])
def test_model_damaged_file_is_reported(tmp_path: Path, file: str, damage: str) -> None:
    module = Catalogue()
    module.weights = tf.Variable(tf.range(1000))
    tf.saved_model.save(module, str(tmp_path), signatures={"catalogue": module.catalogue})
    if damage == "deleted":
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:100])
    with pytest.raises(ModelError, match=rf"the model at {tmp_path} cannot be loaded .* Run the pipeline again"):
        LocalModel(str(tmp_path))
