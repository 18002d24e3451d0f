"""The towers against loops in NumPy over the same weights."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.worlds import candidates_of
from trainer.models.two_tower.towers import CandidateTower, QueryTower, embedding

DIM = 3


@pytest.fixture
def items() -> Any:
    return embedding("item_embedding", 5, DIM, seed=1)


def normalised(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def query_oracle(tower: QueryTower, user: int, history: list[int], weight: list[float], newest: int, decay: float):
    weights = {variable.name.split(":")[0].rsplit("/")[-1]: variable.numpy() for variable in tower.variables}
    pairs = list(zip(history, weight, strict=True))[-newest:]
    pooled, total = np.zeros(DIM), 0.0
    for age, (item, each) in enumerate(reversed(pairs)):
        pooled += each * decay**age * weights["item_embedding"][item]
        total += each * decay**age
    query = (pooled / total if total else pooled) @ weights["history_projection"]
    return normalised(query + (weights["user_embedding"][user] if user >= 0 else 0))


@pytest.mark.parametrize(("newest", "decay"), [(2, 1.0), (3, 0.5), (50, 0.8)])
def test_query_tower_users_and_histories_equals_numpy(items: Any, newest: int, decay: float) -> None:
    tower = QueryTower(4, items, newest, decay, seed=1)
    tower.projection.assign(np.random.default_rng(0).normal(size=(DIM, DIM)))
    users = [0, -1, 3, -1, 2]
    histories = [[0, 1, 2, 3], [4, 4, 1], [], [], [2]]
    weights = [[1.0, 0.5, 6.0, 2.0], [1.0, 2.0, 3.0], [], [], [0.5]]

    result = tower(tf.constant(users), tf.ragged.constant(histories, tf.int32), tf.ragged.constant(weights, tf.float32))

    expected = [query_oracle(tower, *row, newest, decay) for row in zip(users, histories, weights, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(result[3], np.zeros(DIM))


@pytest.mark.parametrize("scale", [3e38, 1e-36])
def test_query_tower_weights_of_any_size_only_their_ratios_count(items: Any, scale: float) -> None:
    tower = QueryTower(4, items, 3, 0.8, seed=1)
    history = tf.ragged.constant([[4, 0, 1, 2], [3, 3]], tf.int32)
    weights = np.array([0.5, 0.25, 1.0, 1.0, 1.0, 1.0], np.float32)
    plain = tower(tf.constant([-1, 0]), history, history.with_values(tf.constant(weights)))
    scaled = tower(tf.constant([-1, 0]), history, history.with_values(tf.constant(weights * np.float32(scale))))
    np.testing.assert_allclose(scaled, plain, rtol=1e-4)


def test_query_tower_heavy_item_older_than_the_newest_hides_nothing(items: Any) -> None:
    tower = QueryTower(4, items, 2, 1.0, seed=1)
    history, short = tf.ragged.constant([[4, 0, 1]], tf.int32), tf.ragged.constant([[0, 1]], tf.int32)
    result = tower(tf.constant([-1]), history, tf.ragged.constant([[3e38, 1e-6, 2e-6]], tf.float32))
    expected = tower(tf.constant([-1]), short, tf.ragged.constant([[1.0, 2.0]], tf.float32))
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_query_tower_gathers_each_of_the_newest_items_once_however_long_histories_are() -> None:
    items = embedding("item_embedding", 1000, DIM, seed=1)
    tower = QueryTower(4, items, 3, 0.8, seed=1)

    @tf.function(autograph=False)
    def gathered(history: Any, weight: Any) -> Any:
        with tf.GradientTape() as tape:
            query = tower.call(tf.fill([history.nrows()], -1), history, weight)
        return tf.shape(tape.gradient(query, items).values)[0]

    history = tf.ragged.constant([[*range(1000)], [7, 8], [], [5, 6, 7, 8, 9, 10, 11, 997]], tf.int32)
    newest = {997, 998, 999} | {7, 8} | {10, 11, 997}
    assert gathered(history, tf.cast(history, tf.float32) + 1) == len(newest)


def test_query_tower_items_in_histories_differ_by_their_offsets(items: Any) -> None:
    offset = tf.Variable(np.random.default_rng(0).normal(size=items.shape).astype("f"))
    moved = tf.Variable(items + offset)
    history = tf.ragged.constant([[0, 1, 2, 3], [4]], tf.int32)
    asked = (tf.constant([-1, 2]), history, tf.cast(history, tf.float32) + 1)
    result = QueryTower(4, items, 3, 0.8, 1, offset)(*asked)
    np.testing.assert_allclose(result, QueryTower(4, moved, 3, 0.8, 1)(*asked), rtol=1e-5)
    assert not np.allclose(result, QueryTower(4, items, 3, 0.8, 1)(*asked))


def test_query_tower_no_rows_gives_no_rows(items: Any) -> None:
    empty = tf.RaggedTensor.from_row_splits(tf.zeros([0], tf.int32), tf.zeros([1], tf.int64))
    result = QueryTower(4, items, 5, 0.8, seed=1)(tf.zeros([0], tf.int32), empty, tf.cast(empty, tf.float32))
    assert result.shape == (0, DIM)


def test_candidate_tower_ids_and_content_equals_numpy(items: Any) -> None:
    genres = [[0, 1, 1], [2], [], [], [3, 4]]
    catalogue = candidates_of([1, -1, 0, -1, 2], {"genre": genres, "year": [[0], [], [1], [], [2]]}, size=5)
    tower = CandidateTower(catalogue, items, seed=1)
    tables = {name: table.numpy() for name, table in tower.content_embedding.items()}

    result = tower(tf.constant([4, 0, 1, 2, 3, 0])).numpy()

    def oracle(place: int) -> np.ndarray:
        row = catalogue.row[place]
        vector = items.numpy()[row] if row >= 0 else np.zeros(DIM)
        for name, of_items in (("genre", genres), ("year", [[0], [], [1], [], [2]])):
            if of_items[place]:
                vector = vector + np.mean([tables[name][index] for index in of_items[place]], axis=0)
        return normalised(vector)

    np.testing.assert_allclose(result, [oracle(place) for place in [4, 0, 1, 2, 3, 0]], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(result[4], np.zeros(DIM))  # neither interactions nor content


def test_towers_share_the_embeddings_of_items(items: Any) -> None:
    query, candidate = QueryTower(4, items, 5, 0.8, seed=1), CandidateTower(candidates_of([0, 1]), items, seed=1)
    assert any(variable is items for variable in query.trainable_variables)
    assert any(variable is items for variable in candidate.trainable_variables)


def test_candidate_tower_content_named_as_an_id_table_starts_with_other_values(items: Any) -> None:
    user = QueryTower(5, items, 5, 0.8, seed=1).user_embedding.numpy()
    catalogue = candidates_of([0, 1], {"item": [[0], [1]], "user": [[0], [1]]}, size=5)
    tables = CandidateTower(catalogue, items, seed=1).content_embedding
    assert not np.array_equal(tables["item"], items)
    assert not np.array_equal(tables["user"], user)


def test_embedding_name_and_seed_alone_decide_it() -> None:
    table = embedding("a", 3, 2, seed=1).numpy()
    np.testing.assert_array_equal(table, embedding("a", 3, 2, seed=1).numpy())
    assert not np.array_equal(table, embedding("b", 3, 2, seed=1).numpy())
    assert not np.array_equal(table, embedding("a", 3, 2, seed=2).numpy())


@pytest.mark.parametrize("tower", ["query", "candidate"])
def test_tower_saved_and_restored_answers_the_same(items: Any, tower: str, tmp_path: Any) -> None:
    def make(seed: int) -> tuple[Any, Any]:
        table = embedding("item_embedding", 5, DIM, seed)
        if tower == "query":
            made = QueryTower(4, table, 5, 0.8, seed)
            history = tf.ragged.constant([[0, 1], [2]], tf.int32)
            return made, made(tf.constant([1, -1]), history, tf.cast(history, tf.float32) + 1)
        made = CandidateTower(candidates_of([0, -1], {"genre": [[1], [2]]}), table, seed)
        return made, made(tf.constant([0, 1]))

    saved, result = make(seed=1)
    path = tf.train.Checkpoint(tower=saved).write(str(tmp_path / "tower"))
    other, other_came = make(seed=2)
    assert not np.allclose(result, other_came)
    tf.train.Checkpoint(tower=other).read(path).assert_consumed()
    for mine, theirs in zip(saved.variables, other.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
