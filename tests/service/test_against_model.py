"""Snapshots and rankings of a real model: what its own signatures answer."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.backends.backend import BackendRefusedError
from service.ranking.neighbours import similar
from service.ranking.query import Query
from service.ranking.ranker import Ranker
from service.snapshot.document import SnapshotDocument
from service.snapshot.prepare import prepare
from service.snapshot.snapshot import Snapshot
from tests.service.in_process import InProcess

PADDING = np.finfo(np.float32).min
NEAR = 2e-6
"""Cosines of float32 that differ by less may change places."""


def prepared(model: InProcess, version: str | Path, folder: Path) -> SnapshotDocument:
    return asyncio.run(prepare(version, model, folder))


@pytest.fixture(scope="session")
def snapshot(model: InProcess, model_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("service") / "snapshot"
    prepared(model, model_folder, folder)
    return Snapshot.open(folder)


def random_queries(snapshot: Snapshot, n: int) -> dict[str, Any]:
    """Users and histories of all kinds: known, unknown and none."""
    rng = np.random.default_rng(11)
    ids = [*snapshot.item_ids, "", "no such item", "I3"]
    users = ["u0-1", "ü 1", "u2-11", "", "who", "u1-3"]
    history = rng.choice(np.array(ids, object), (n, 6))
    history[::7] = ""
    weight = rng.choice([0.5, 1.0, 2.0, 6.0, 0.0], (n, 6)).astype(np.float32)
    return {"user_id": rng.choice(np.array(users, object), n), "history": history, "history_weight": weight}


def assert_near(snapshot: Snapshot, ranking: Any, item_ids: Any, scores: Any) -> None:
    """Compares a ranking with a row of a signature, in which near scores may have changed places."""
    there = [item_id.decode() for item_id in item_ids if item_id]
    places = ranking.places.tolist()
    assert len(places) == len(there) == len(set(places))
    assert (scores[len(there) :] == PADDING).all()
    np.testing.assert_allclose(ranking.scores, scores[: len(there)], atol=NEAR, rtol=0)
    score_of = dict(zip(there, scores.tolist(), strict=False))
    for item_id, score in zip(map(snapshot.item_id, places), ranking.scores.tolist(), strict=True):
        # At the list's end an item may be another whose score is as near.
        assert abs(score_of.get(item_id, scores[len(there) - 1]) - score) <= NEAR


@pytest.mark.e2e
def test_snapshot_holds_the_models_catalogue(snapshot: Snapshot, model: InProcess) -> None:
    everything = model.ask("catalogue", offset=[0], limit=[1000])
    assert [item_id.encode() for item_id in snapshot.item_ids] == everything["item_id"].tolist()
    assert [title.encode() for title in snapshot.titles] == everything["title"].tolist()
    embedded = model.ask("embed_item_indices", index=np.arange(snapshot.items))
    assert snapshot.embedding is not None
    np.testing.assert_array_equal(snapshot.embedding, embedded["embedding"])
    assert snapshot.item_ids[snapshot.unembedded[0]] == "bare"
    assert snapshot.search("title ü", 3) == [snapshot.place_of("ü\t€")]


@pytest.mark.e2e
def test_scores_are_those_of_the_signature(snapshot: Snapshot, model: InProcess) -> None:
    who = random_queries(snapshot, 200)
    vectors = model.ask("embed_users", **who)["embedding"]
    assert 0 < np.sum(~vectors.any(axis=1)) < 200
    found = Ranker(snapshot).scores(vectors)
    np.testing.assert_allclose(found, model.ask("scores", **who)["score"], atol=NEAR, rtol=0)


@pytest.mark.e2e
@pytest.mark.parametrize("k", [1, 5, 100])
def test_ranking_without_extras_is_that_of_recommend(snapshot: Snapshot, model: InProcess, k: int) -> None:
    n = 200
    who = random_queries(snapshot, n)
    exclude = np.random.default_rng(5).choice(np.array([*snapshot.item_ids, "", "gone"], object), (n, 4))
    answer = model.ask("recommend", **who, exclude=exclude, k=np.full(n, k))
    vectors = model.ask("embed_users", **who)["embedding"]
    ranker, plans = Ranker(snapshot), []
    for row in range(n):
        left_out = snapshot.left_out(snapshot.places_of(who["history"][row]), who["history_weight"][row])
        plans.append(ranker.plan(Query(k=k, left_out=np.append(left_out, snapshot.places_of(exclude[row])))))
    by_scores = ranker.rank_scores(model.ask("scores", **who)["score"], plans)
    for row, (ranking, other) in enumerate(zip(ranker.rank(vectors, plans), by_scores, strict=True)):
        assert_near(snapshot, ranking, answer["item_id"][row], answer["score"][row])
        assert_near(snapshot, other, answer["item_id"][row], answer["score"][row])


@pytest.mark.e2e
def test_popular_order_is_what_recommend_gives_nobody(snapshot: Snapshot, model: InProcess) -> None:
    nobody = {"user_id": [""], "history": np.zeros((1, 0), object), "history_weight": np.zeros((1, 0))}
    answer = model.ask("recommend", **nobody, exclude=np.zeros((1, 0), object), k=[1000])
    assert [snapshot.item_id(place).encode() for place in snapshot.by_popularity] == answer["item_id"][0].tolist()


@pytest.mark.e2e
@pytest.mark.parametrize("k", [1, 5, 100])
def test_similar_items_are_those_of_the_signature(snapshot: Snapshot, model: InProcess, k: int) -> None:
    places = list(range(snapshot.items))
    answer = model.ask("similar_items", item_id=list(snapshot.item_ids), k=[k] * len(places))
    for row, ranking in enumerate(similar(Ranker(snapshot), places, Query(k=k))):
        assert_near(snapshot, ranking, answer["item_id"][row], answer["score"][row])


@pytest.mark.e2e
def test_snapshot_of_an_unchanged_version_is_reused_and_of_a_changed_one_made_anew(
    model: InProcess, model_folder: str, tmp_path: Path
) -> None:
    version, folder = tmp_path / "version", tmp_path / "snapshot"
    shutil.copytree(model_folder, version)
    made = prepared(model, version, folder)
    model.asked.clear()
    assert prepared(model, version, folder) == made
    assert model.asked == []
    (version / "assets.extra/service").mkdir()
    (version / "assets.extra/service/other").touch()
    assert prepared(model, version, folder).source != made.source
    assert "scores" in model.asked
    (folder / SnapshotDocument.FILE).write_text("{damaged")
    assert prepared(model, version, folder).items == made.items
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.e2e
@pytest.mark.parametrize("lacks", ["embed_users", "embed_item_indices"])
def test_model_that_cannot_embed_has_a_snapshot_without_embeddings(
    model_folder: str, tmp_path: Path, lacks: str
) -> None:
    signatures = {"catalogue", "scores", "embed_users", "embed_item_indices"} - {lacks}
    made = prepared(InProcess(model_folder, signatures), model_folder, tmp_path / "snapshot")
    assert made.dim is None
    snapshot = Snapshot.open(tmp_path / "snapshot")
    assert snapshot.embedding is None
    assert len(snapshot.popularity) == snapshot.items == made.items


@pytest.mark.e2e
def test_failed_preparation_leaves_nothing(model_folder: str, tmp_path: Path) -> None:
    with pytest.raises(BackendRefusedError):
        prepared(InProcess(model_folder, {"catalogue"}), model_folder, tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []
