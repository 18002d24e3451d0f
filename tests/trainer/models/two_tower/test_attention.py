"""The attention tower against loops in NumPy over the same weights, and a window's queries against served ones."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer.models.two_tower.attention import AttentionTower
from trainer.models.two_tower.towers import QueryTower, embedding

DIM, NEWEST, DECAY = 4, 3, 0.7


def tower(blocks: int = 2, heads: int = 2, dropout: float = 0.0, trained: bool = True) -> AttentionTower:
    made = AttentionTower(4, embedding("item_embedding", 6, DIM, 1), NEWEST, DECAY, 1, blocks, heads, dropout)
    rng = np.random.default_rng(0)
    for variable in made.arrays.values() if trained else []:
        variable.assign(variable.numpy() + rng.normal(size=variable.shape).astype("f"))
    return made


def served(made: Any, users: list[int], histories: list[list[int]], weights: list[list[float]]) -> np.ndarray:
    history = tf.ragged.constant(histories, tf.int32, ragged_rank=1)
    return made(tf.constant(users), history, tf.ragged.constant(weights, tf.float32, ragged_rank=1)).numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    each = np.exp(logits - logits.max())
    return each / each.sum()


def oracle(made: AttentionTower, heads: int, user: int, history: list[int], weight: list[float]) -> np.ndarray:
    arrays = {name: variable.numpy() for name, variable in made.arrays.items()}
    items = embedding("item_embedding", 6, DIM, 1).numpy()[history[-NEWEST:]]
    query = made.user_embedding.numpy()[user] if user >= 0 else np.zeros(DIM)
    newest = np.array(weight[-NEWEST:])
    if history:
        decayed = newest * DECAY ** np.arange(len(items))[::-1]
        query = query + decayed / decayed.sum() @ items @ arrays["history_projection"]
        states = list(items)
        for block in ("block_0", "block_1"):
            of = {name.removeprefix(f"{block}_"): array for name, array in arrays.items() if name.startswith(block)}
            normal = [of["attention_gain"] * state / np.sqrt(np.mean(state**2) + 1e-6) for state in states]
            mixed = [np.split(each @ of["query_key_value"], 3) for each in normal]
            attended = []
            for n in range(len(states)):
                found = []
                for head in range(heads):
                    part = slice(head * DIM // heads, (head + 1) * DIM // heads)
                    logits = [
                        mixed[n][0][part] @ mixed[m][1][part] / np.sqrt(DIM / heads)
                        + of["age_bias"][head, n - m]
                        + np.log(newest[m])
                        for m in range(n + 1)
                    ]
                    found.append(softmax(np.array(logits)) @ [mixed[m][2][part] for m in range(n + 1)])
                attended.append(states[n] + np.concatenate(found) @ of["output"])
            states = []
            for state in attended:
                normalised = of["inner_gain"] * state / np.sqrt(np.mean(state**2) + 1e-6)
                inner = np.maximum(normalised @ of["inner"] + of["inner_bias"], 0)
                states.append(state + inner @ of["outer"])
        query = query + states[-1] @ arrays["attended_projection"]
    length = np.linalg.norm(query)
    return query / length if length else query


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_tower_users_and_histories_equals_numpy(heads: int) -> None:
    made = tower(heads=heads)
    users = [0, -1, 3, -1, 2]
    histories = [[0, 1, 2, 3, 5], [4, 4, 1], [], [], [2]]
    weights = [[1.0, 0.5, 6.0, 2.0, 1.0], [1.0, 2.0, 3.0], [], [], [0.5]]
    result = served(made, users, histories, weights)
    expected = [oracle(made, heads, *row) for row in zip(users, histories, weights, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result[3], np.zeros(DIM))


def windows() -> dict[str, Any]:
    return {
        "user": tf.constant([[1, 1, -1, 2, 2, 0], [3, -1, 3, 3, 3, 3]]),
        "item": tf.constant([[0, 1, 2, 5, 4, 3], [1, 1, 2, 4, 5, 0]]),
        "item_weight": tf.constant([[1.0, 2.0, 0.5, 1.0, 3.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
        "window": tf.constant([[7, 7, 7, 8, 8, 9], [4, 4, 4, 4, 4, 4]]),
        "seed": tf.constant([[1, 2], [1, 3]]),
    }


def test_attention_tower_queries_of_windows_are_those_that_are_served() -> None:
    made, batch = tower(blocks=1), windows()  # with more blocks, what is served knows nothing beyond the newest items
    users, histories, weights = [], [], []
    for user, item, weight, window in zip(
        *(batch[n].numpy() for n in ("user", "item", "item_weight", "window")), strict=True
    ):
        for place in range(6):
            ahead = [m for m in range(place) if window[m] == window[place]]
            users.append(int(user[place]))
            histories.append([int(item[m]) for m in ahead])
            weights.append([float(weight[m]) for m in ahead])
    np.testing.assert_allclose(made.queries(batch), served(made, users, histories, weights), rtol=1e-4, atol=1e-5)


def test_attention_tower_fresh_is_the_pooled_tower() -> None:
    made = tower(trained=False)
    pooled = QueryTower(4, embedding("item_embedding", 6, DIM, 1), NEWEST, DECAY, 1)
    asked = ([0, -1, 3], [[0, 1, 2, 3], [4, 1], []], [[1.0, 2.0, 1.0, 5.0], [1.0, 1.0], []])
    np.testing.assert_allclose(served(made, *asked), served(pooled, *asked), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [3e37, 1e-35])
def test_attention_tower_weights_of_any_size_only_their_ratios_count(scale: float) -> None:
    made, users, histories = tower(), [-1, 0], [[4, 0, 1, 2], [3, 3]]
    weights = [[0.5, 0.25, 1.0, 2.0], [1.0, 3.0]]
    scaled = served(made, users, histories, [[scale * each for each in row] for row in weights])
    np.testing.assert_allclose(scaled, served(made, users, histories, weights), rtol=1e-3, atol=1e-5)


def test_attention_tower_no_rows_gives_no_rows() -> None:
    empty = tf.RaggedTensor.from_row_splits(tf.zeros([0], tf.int32), tf.zeros([1], tf.int64))
    assert tower()(tf.zeros([0], tf.int32), empty, tf.cast(empty, tf.float32)).shape == (0, DIM)


def test_attention_tower_every_variable_is_trained() -> None:
    made = tower(dropout=0.5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(made.queries(windows()) ** 3)
    variables = made.trainable_variables
    assert {id(each) for each in made.arrays.values()} < {id(each) for each in variables}
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).sum() > 0, variable.name


def test_attention_tower_drops_by_the_batchs_seed() -> None:
    made, batch = tower(dropout=0.5), windows()
    other = {**batch, "seed": batch["seed"] + 1}
    np.testing.assert_array_equal(made.queries(batch), made.queries(batch))
    assert not np.allclose(made.queries(batch), made.queries(other))
