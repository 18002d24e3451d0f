"""Rows carried over by string id, held against a dictionary of rows; and files that cannot be started from."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from common.errors import WarmStartError
from configs.models.two_tower import TwoTower
from tests.documents.samples import METRICS
from tests.trainer.worlds import candidates_of, interactions_of
from tests.vertex_api.object_store import ObjectStore
from trainer.base_model import find_base_model, hand_on
from trainer.candidates import Candidates
from trainer.models.two_tower.fit import architecture
from trainer.models.two_tower.towers import PROJECTION
from trainer.models.two_tower.two_tower import TwoTowerModel
from trainer.models.two_tower.warm_start import CARRIED_SCALE, carry_over, learned, table_ids
from trainer.warm_state import FOLDER, Carried, Table, WarmState, read_state, write_state

DIM = 4

ARCHITECTURE = architecture(TwoTower(embedding_dim=DIM))


def model_of(users: Sequence[bytes], candidates: Candidates, seed: int = 0) -> TwoTowerModel:
    train = interactions_of([[0, 1]] * max(len(users), 1))
    return TwoTowerModel(len(users), train, candidates, TwoTower(embedding_dim=DIM, seed=seed))


def base_state(**tables: tuple[list[bytes], int]) -> WarmState:
    rng = np.random.default_rng(7)
    made = {name: Table(ids, rng.normal(size=(rows, DIM)).astype("f")) for name, (ids, rows) in tables.items()}
    projection = rng.normal(size=(DIM, DIM)).astype("f")
    return WarmState(ARCHITECTURE, made, {PROJECTION: projection}, METRICS, "abc")


def rows_of(table: Table) -> dict[bytes, Any]:
    return dict(zip(table.ids, table.values, strict=True))


def test_carry_over_vocabularies_grown_shrunk_and_reordered_keeps_each_ids_row() -> None:
    users, items = [b"u3", b"new user", b"u1"], [b"i2", b"i9", b"i0"]
    base = base_state(user_embedding=([b"u1", b"u2", b"u3"], 3), item_embedding=([b"i0", b"i1", b"i2", b"i3"], 4))
    candidates = candidates_of([0, 1, 2])
    model = model_of(users, candidates)
    report = carry_over(model, base, table_ids(users, items, candidates, {}), candidates)

    user, item = (model.tables[name].numpy() for name in ("user_embedding", "item_embedding"))
    known = rows_of(base.tables["user_embedding"])
    np.testing.assert_array_equal(user[0], CARRIED_SCALE * known[b"u3"])
    np.testing.assert_array_equal(user[2], CARRIED_SCALE * known[b"u1"])
    np.testing.assert_allclose(user[1], CARRIED_SCALE * (known[b"u1"] + known[b"u3"]) / 2, rtol=1e-6)
    known = rows_of(base.tables["item_embedding"])
    np.testing.assert_array_equal(item[[0, 2]], CARRIED_SCALE * np.stack([known[b"i2"], known[b"i0"]]))
    np.testing.assert_array_equal(model.query_tower.projection.numpy(), base.arrays[PROJECTION])
    assert report == {"item_embedding": Carried(2, 1, 2), "user_embedding": Carried(2, 1, 1)}


def test_carry_over_new_item_starts_as_its_content_and_without_any_at_the_mean() -> None:
    # The rows 0, 1, 2 are the items a, b, c; b and c are new, and c has no content.
    candidates = candidates_of([0, 1, 2], {"genre": [[0], [0, 1], []], "year": [[3], [2], []]}, size=4)
    items, genres = [b"a", b"b", b"c"], [b"drama", b"war", b"x", b"y"]
    base = base_state(
        item_embedding=([b"a"], 1),
        content_genre_embedding=([b"war", b"drama"], 2),
        content_year_embedding=([b"0/4", b"1/4", b"2/4", b"3/4"], 4),
    )
    model = model_of([b"u"], candidates)
    report = carry_over(model, base, table_ids([b"u"], items, candidates, {"genre": genres}), candidates)

    genre, year = (rows_of(base.tables[f"content_{name}_embedding"]) for name in ("genre", "year"))
    item = model.tables["item_embedding"].numpy()
    own = CARRIED_SCALE * base.tables["item_embedding"].values[0]
    content = CARRIED_SCALE * ((genre[b"drama"] + genre[b"war"]) / 2 + year[b"2/4"])
    np.testing.assert_allclose(item, [own, content, own], rtol=1e-5)
    # So it is placed where the base model had it as an item without interactions.
    np.testing.assert_allclose(model.candidate_tower(tf.constant([1]))[0], content / np.linalg.norm(content), rtol=1e-5)
    assert report["content_genre_embedding"] == Carried(2, 2, 0)
    assert report["content_year_embedding"] == Carried(4, 0, 0)
    assert report["user_embedding"] == Carried(0, 1, 0)


def test_carry_over_feature_added_removed_or_cut_otherwise_leaves_the_others_carried() -> None:
    candidates = candidates_of([0, 1], {"year": [[0], [1]], "mood": [[0], [1]]}, size=10)
    base = base_state(
        item_embedding=([b"a", b"b"], 2),
        content_year_embedding=([b"0/2", b"1/2"], 2),
        content_genre_embedding=([b"war"], 1),
    )
    moods = [b"merry", b"sad", *(b"%d" % n for n in range(8))]
    model, fresh = model_of([b"u"], candidates), model_of([b"u"], candidates)
    report = carry_over(model, base, table_ids([b"u"], [b"a", b"b"], candidates, {"mood": moods}), candidates)

    for name in ("content_year_embedding", "content_mood_embedding", "user_embedding"):
        np.testing.assert_array_equal(model.tables[name].numpy(), fresh.tables[name].numpy(), err_msg=name)
    np.testing.assert_array_equal(
        model.tables["item_embedding"].numpy(), CARRIED_SCALE * base.tables["item_embedding"].values
    )
    assert report == {
        "item_embedding": Carried(2, 0, 0),
        "user_embedding": Carried(0, 1, 0),
        "content_year_embedding": Carried(0, 10, 2),
        "content_mood_embedding": Carried(0, 10, 0),
        "content_genre_embedding": Carried(0, 0, 1),
    }


def test_carry_over_new_item_with_content_that_the_base_model_does_not_know_starts_at_the_mean() -> None:
    # Item 1 has a mood alone, a feature that is new; item 2 has a genre too.
    candidates = candidates_of([0, 1, 2], {"genre": [[0], [], [0]], "mood": [[0], [1], [1]]}, size=2)
    base = base_state(item_embedding=([b"a"], 1), content_genre_embedding=([b"war", b"drama"], 2))
    model = model_of([b"u"], candidates)
    ids = table_ids([b"u"], [b"a", b"b", b"c"], candidates, {"genre": [b"war", b"drama"], "mood": [b"sad", b"merry"]})
    carry_over(model, base, ids, candidates)

    item, own = model.tables["item_embedding"].numpy(), CARRIED_SCALE * base.tables["item_embedding"].values[0]
    np.testing.assert_allclose(item[:2], [own, own], rtol=1e-5)
    assert not np.allclose(item[2], own)


@pytest.mark.parametrize(
    "settings", [{}, {"own_history_table": True}, {"query": "attention", "blocks": 2, "heads": 2, "max_history": 3}]
)
def test_carry_over_same_ids_answers_as_the_base_model(settings: dict[str, Any]) -> None:
    users, items = [b"u0", b"u1"], [b"a", b"b", b"c"]
    candidates = candidates_of([0, 1, 2], {"genre": [[0], [1], []]}, size=2)
    ids = table_ids(users, items, candidates, {"genre": [b"war", b"drama"]})

    def model(seed: int) -> TwoTowerModel:
        chosen = TwoTower(embedding_dim=DIM, seed=seed, **settings)
        return TwoTowerModel(2, interactions_of([[0, 1], [1, 2]]), candidates, chosen)

    def answers(model: TwoTowerModel) -> tuple[Any, Any]:
        history = tf.ragged.constant([[0, 1, 2, 1], [], [2]], tf.int32)
        query = model.query_tower(tf.constant([0, 1, -1]), history, tf.cast(history, tf.float32) + 1)
        return query.numpy(), model.candidate_tower(tf.constant([2, 1, 0])).numpy()

    base, next_model = model(1), model(2)
    rng = np.random.default_rng(0)
    for variable in base.trainable_variables:
        variable.assign(variable.numpy() + rng.normal(size=variable.shape).astype("f"))
    tables, arrays = learned(base, ids)
    report = carry_over(next_model, WarmState("", tables, arrays, METRICS, "abc"), ids, candidates)

    assert all((rows.new, rows.dropped) == (0, 0) for rows in report.values())
    assert set(report) == set(next_model.tables)
    for found, expected in zip(answers(next_model), answers(base), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_architecture_differs_by_whatever_gives_the_tables_another_meaning() -> None:
    attention: dict[str, Any] = {"query": "attention"}
    others: list[dict[str, Any]] = [
        {},
        {"embedding_dim": 32},
        {"own_history_table": True},
        attention,
        {**attention, "own_history_table": True},
        {**attention, "blocks": 2},
        {**attention, "heads": 2},
        {**attention, "max_history": 20},
    ]
    assert len({architecture(TwoTower(**other)) for other in others}) == len(others)
    same: list[dict[str, Any]] = [{"temperature": 0.1}, {"uniform_negatives": 9}, {"dropout": 0.5}, {"max_history": 9}]
    assert {architecture(TwoTower(**each)) for each in same} == {architecture(TwoTower())}


def test_state_of_model_written_and_read_back_is_equal(tmp_path: Path) -> None:
    # Ids that NumPy's strings would cut, and an empty one.
    users = [b"", b"\x00", b"a\x00", "ü".encode()]
    candidates = candidates_of([0, 1])
    model = model_of(users, candidates)
    learnt = learned(model, table_ids(users, [b"i", b"long " * 99], candidates, {}))
    state = WarmState(ARCHITECTURE, *learnt, METRICS, "abc")
    write_state(state, str(tmp_path / FOLDER))
    write_state(state, str(tmp_path / FOLDER))
    again = read_state(str(tmp_path / FOLDER), ARCHITECTURE)

    assert {name: table.ids for name, table in again.tables.items()} == {
        name: list(table.ids) for name, table in state.tables.items()
    }
    np.testing.assert_array_equal(again.tables["user_embedding"].values, model.tables["user_embedding"].numpy())
    np.testing.assert_array_equal(again.arrays[PROJECTION], np.eye(DIM))
    assert (again.metrics, again.model_digest) == (METRICS, "abc")
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_hand_on_from_bucket_to_bucket_model_and_state_are_whole_and_the_same(gs: ObjectStore) -> None:
    model = {"saved_model.pb": b"graph", "variables/variables.index": b"index", "a": b""}
    for name, content in model.items():
        gs.put("bucket", f"base/Format-Serving/{name}", content)
    write_state(base_state(user_embedding=([b"u1"], 1), item_embedding=([b"i"], 1)), f"gs://bucket/base/{FOLDER}")
    base = find_base_model("gs://bucket/base/Format-Serving", TwoTower(embedding_dim=DIM))
    gs.log.clear()
    hand_on(base, "gs://bucket/new/Format-Serving/", "gs://bucket/run")

    kept = {name: content for (_, name), content in gs.objects.items() if not name.endswith("/")}
    assert {name: kept[f"new/Format-Serving/{name}"] for name in model} == model
    assert [kept[f"new/{FOLDER}/{name}"] for name in ("tables.npz", "state.json")] == [
        kept[f"base/{FOLDER}/{name}"] for name in ("tables.npz", "state.json")
    ]
    assert kept["run/metrics.json"].decode() == METRICS.to_json()
    written = [line.removeprefix("write ") for line in gs.log if not line.endswith("/")]
    assert sorted(written) == sorted(name for name in kept if not name.startswith("base/"))  # each once, nothing else
    assert [name for name in written if "Format-Serving" in name][-1] == "new/Format-Serving/saved_model.pb"
    assert [name for name in written if FOLDER in name][-1] == f"new/{FOLDER}/state.json"


def edited(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        described = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps({**described, **changes}))

    return edit


def cut(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:-9])


def emptied(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text("[]")


def not_a_number(folder: Path) -> None:
    state = read_state(str(folder), ARCHITECTURE)
    user = state.tables["user_embedding"]
    poisoned = dataclasses.replace(user, values=np.where(user.values > 0, np.nan, user.values))
    write_state(dataclasses.replace(state, tables={**state.tables, "user_embedding": poisoned}), str(folder))


def rows_lost(folder: Path) -> None:
    state = read_state(str(folder), ARCHITECTURE)
    user = state.tables["user_embedding"]
    fewer = dataclasses.replace(user, values=user.values[:1])
    write_state(dataclasses.replace(state, tables={**state.tables, "user_embedding": fewer}), str(folder))


@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        (
            edited(format_version=1),
            "format version 1, but this code reads version 3. Training starts cold.",
        ),
        (edited(architecture="three-tower"), "architecture is 'three-tower'"),
        (edited(architecture=architecture(TwoTower(embedding_dim=8))), "cosine of 8 dimensions', but this model's is"),
        (edited(tables=["a", "b", "c", "d"]), "damaged: KeyError"),
        (cut("tables.npz"), "its digest differs"),
        (cut("state.json"), "state.json is damaged: Invalid JSON"),
        (lambda folder: (folder / "tables.npz").unlink(), "can be read"),
        (emptied("state.json"), "Input should be an object. Received: []. Training starts cold."),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "can be read"),
        (not_a_number, "user_embedding holds values that are not finite"),
        (rows_lost, "user_embedding has the shape (1, 4), but 2 ids"),
    ],
)
def test_find_base_model_unusable_starts_cold_and_says_why(
    tmp_path: Path, breaking: Callable[[Path], object], message: str
) -> None:
    base = base_state(user_embedding=([b"u1", b"u2"], 2), item_embedding=([b"i"], 1))
    write_state(base, str(tmp_path / FOLDER))
    saved_model = str(tmp_path / "Format-Serving")
    found = find_base_model(saved_model, TwoTower(embedding_dim=DIM))
    assert found.state is not None
    assert (found.uri, found.cold_start_because) == (str(tmp_path), None)

    breaking(tmp_path / FOLDER)
    found = find_base_model(saved_model, TwoTower(embedding_dim=DIM))
    assert found.state is None
    assert message in str(found.cold_start_because)
    with pytest.raises(WarmStartError):
        read_state(str(tmp_path / FOLDER), ARCHITECTURE)


def test_find_base_model_not_wanted_is_read_and_not_started_from(tmp_path: Path) -> None:
    write_state(base_state(user_embedding=([b"u1"], 1), item_embedding=([b"i"], 1)), str(tmp_path / FOLDER))
    saved_model = str(tmp_path / "Format-Serving")
    found = find_base_model(saved_model, TwoTower(embedding_dim=DIM, warm_start=False))
    assert (found.state is None, found.start) == (False, None)
    assert found.cold_start_because == "trainer.warm_start is false"
    found = find_base_model(saved_model, TwoTower(embedding_dim=DIM))
    assert found.start is found.state


def test_find_base_model_none_or_not_wanted_says_so() -> None:
    assert "no blessed model yet" in str(find_base_model(None, TwoTower()).cold_start_because)
    assert "is false" in str(find_base_model("/some/model", TwoTower(warm_start=False)).cold_start_because)


def test_chooses_its_epochs_if_cold_and_not_without_patience() -> None:
    assert TwoTower().chooses(is_warm=False)
    assert not TwoTower().chooses(is_warm=True)
    assert not TwoTower(patience=None).chooses(is_warm=False)
