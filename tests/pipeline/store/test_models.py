"""Items by id, title and part of a title, in a model of a catalogue alone."""

import pytest
import tensorflow as tf

from common.errors import ModelError
from pipeline.store.models import LocalModel

TITLES = {"b1": "Alien", "b2": "Aliens", **{f"c{n}": f"Cube {n}" for n in range(10)}, "d": "cube"}


class Catalogue(tf.Module):
    """A model that knows its items and nothing else."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.int64, "offset"), tf.TensorSpec([], tf.int64, "limit")])
    def catalogue(self, offset: tf.Tensor, limit: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "item_id": tf.constant(list(TITLES))[offset : offset + limit],
            "title": tf.constant(list(TITLES.values()))[offset : offset + limit],
            "total": tf.constant(len(TITLES), tf.int64),
        }


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
