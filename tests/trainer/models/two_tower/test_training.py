"""The model as a whole: it learns, repeats itself, and stops when it should."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from common.errors import TrainingError
from configs.models.two_tower import TwoTower
from tests.trainer.worlds import candidates_of, grouped_world, interactions_of
from trainer.epochs import Epochs
from trainer.evaluate import Evaluator
from trainer.models.two_tower.batches import Batches
from trainer.models.two_tower.fit import embed_catalogue, served
from trainer.models.two_tower.training import train
from trainer.models.two_tower.two_tower import TwoTowerModel
from trainer.popularity import popularity_shares

pytestmark = pytest.mark.e2e


def fit(folder: Path, patience: int | None = None, **settings: Any) -> tuple[TwoTowerModel, Epochs, Evaluator]:
    interactions, held_out, candidates = grouped_world()
    chosen = TwoTower(**{"embedding_dim": 8, "epochs": 4, "batch_size": 64, "eval_top_k": (3, 10), **settings})
    model = TwoTowerModel(interactions.users, interactions, candidates, chosen)
    evaluator = Evaluator(
        held_out,
        candidates,
        popularity_shares(interactions.with_items(candidates.place), candidates.items),
        chosen.eval_top_k,
    )
    batches = Batches(interactions, candidates, chosen)
    epochs = Epochs(evaluator, str(folder), chosen.epochs, batches.interactions, patience)
    train(model, batches, epochs, lambda: served(model, candidates).scores, keep_best=patience is not None)
    return model, epochs, evaluator


@pytest.mark.parametrize("optimizer", [{"optimizer": "adam"}, {"optimizer": "adagrad", "learning_rate": 0.1}])
def test_train_tastes_are_learned(tmp_path: Path, optimizer: dict[str, Any]) -> None:
    _, epochs, evaluator = fit(tmp_path, **optimizer)

    losses = [epoch.loss for epoch in epochs.done]
    assert losses[-1] < losses[0]
    # Each taste has three items left that a user has not met; the held-out one is among them.
    assert epochs.done[-1].metrics["recall@3"] > 0.9
    assert evaluator.popularity["recall@3"] < 0.5


def test_train_logs_are_written(tmp_path: Path) -> None:
    _, epochs, _ = fit(tmp_path, epochs=2)

    assert [epoch.epoch for epoch in epochs.done] == [1, 2]
    shown = set(epochs.done[-1].metrics)
    assert shown == {f"{metric}@{k}" for metric in ("hit_rate", "recall", "ndcg") for k in (3, 10)}
    for run in ("train", "model", "popularity"):
        [log] = (tmp_path / run).iterdir()
        tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(log)) for value in event.summary.value}
        assert tags == ({"loss", "seconds"} if run == "train" else {name.replace("@", "_at_") for name in shown})


def test_train_says_who_was_evaluated(tmp_path: Path) -> None:
    *_, evaluator = fit(tmp_path, epochs=1)
    assert evaluator.counts == {
        "users_before_cut": 60, "users": 60, "targets": 60, "targets_met": 0, "targets_outside_catalogue": 0
    }  # fmt: skip


def test_train_keeps_the_best_epoch_if_it_has_patience(tmp_path: Path) -> None:
    # Steps so large that the first epochs learn, and later ones only move to and fro.
    model, epochs, evaluator = fit(tmp_path, patience=2, epochs=30, learning_rate=0.5)

    measured = [epoch.metrics["ndcg@10"] for epoch in epochs.done]
    assert epochs.best == len(measured) - 2 == int(np.argmax(measured)) + 1
    *_, candidates = grouped_world()
    assert evaluator.evaluate(served(model, candidates).scores)["ndcg@10"] == pytest.approx(max(measured))


def test_train_one_seed_gives_equal_weights_another_seed_others(tmp_path: Path) -> None:
    first, first_epochs, _ = fit(tmp_path / "1", seed=5, epochs=2)
    again, again_epochs, _ = fit(tmp_path / "2", seed=5, epochs=2)
    other, *_ = fit(tmp_path / "3", seed=6, epochs=2)

    assert first_epochs.done[-1].metrics == again_epochs.done[-1].metrics
    for mine, theirs in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.fault
def test_train_diverging_loss_is_a_training_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="training diverged"):
        fit(tmp_path, learning_rate=1e38, temperature=1e-30)


def test_evaluate_full_catalogue_and_seen_out_equals_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    # Item 5 has no embedding, user 2 neither embedding nor history, user 3 no target.
    interactions = interactions_of([[0, 1, 0], [2, 3], [4]])
    candidates = candidates_of([3, 1, 0, 2, 4, -1])
    held_out = interactions_of(
        [[0, 1, 0], [2, 3], [], [1]], [["0", "5"], ["4"], ["1", "nowhere"], []], users=[0, 1, -1, 2]
    )
    model = TwoTowerModel(3, interactions, candidates, TwoTower(embedding_dim=4))
    popularity = popularity_shares(interactions.with_items(candidates.place), candidates.items)
    monkeypatch.setattr("trainer.evaluate._VALUES_A_CHUNK", 12)  # two users a block
    evaluator = Evaluator(held_out, candidates, popularity, (2, 4))
    result = evaluator.evaluate(served(model, candidates).scores)

    catalogue = embed_catalogue(model, candidates, items_a_block=4)
    queries = evaluator.embed_queries(model.query_tower.call, 4)
    recalls: dict[int, list[float]] = {2: [], 4: []}
    for user, targets in enumerate([{0, 5}, {4}, {1, -1}]):
        scores = popularity if user == 2 else np.where(catalogue.any(axis=1), catalogue @ queries[user], -1)
        seen = {candidates.place[item] for item in [[0, 1, 0], [2, 3], []][user]}
        ranked = [place for place in np.argsort(-scores, kind="stable") if place not in seen]
        for k, of_users in recalls.items():
            of_users.append(len(targets & set(ranked[:k])) / 2 if len(targets) == 2 else float(4 in ranked[:k]))
    assert result["recall@2"] == pytest.approx(np.mean(recalls[2]))
    assert result["recall@4"] == pytest.approx(np.mean(recalls[4]))
    np.testing.assert_array_equal(queries[2], np.zeros(4))


def test_popularity_ranks_by_interactions_then_place() -> None:
    interactions = interactions_of([[0, 1], [1, 2], [3]])
    candidates = candidates_of([0, 1, 2, 3])
    held_out = interactions_of([[0, 1], [3]], [["2"], ["2"]])
    evaluator = Evaluator(
        held_out, candidates, popularity_shares(interactions.with_items(candidates.place), candidates.items), (1, 2, 3)
    )
    result = evaluator.popularity
    # Without 0 and 1, item 2 is first of the two left; without 3, items 1 and 0 stand before it.
    assert (result["recall@1"], result["recall@2"], result["recall@3"]) == (0.5, 0.5, 1.0)
