"""MovieLens 100K, run for real: whatever goes wrong with data or model, the version that was served still is."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from common.errors import DriftError
from configs.split import Split
from pipeline.store.runs.records import Run
from pipeline.store.versions.listing import listing
from serving_signatures import retriever
from tests.films import Films
from tests.films import films as shared_films
from tests.pipeline.components.retrieval_evaluator.test_refusals import NOISE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def films() -> Films:
    """One good run, whose model is pushed."""
    films = shared_films()
    run, _ = films.first_runs
    assert _blessed(run), _failed_rules(run)
    assert len(films.served()) == 1
    return films


def _blessed(run: Run) -> bool:
    blessing = run.output("ModelBlessing")
    return blessing is not None and blessing.properties["blessed"] == 1


def _failed_rules(run: Run) -> str:
    evaluation = run.output("ModelEvaluation")
    assert evaluation is not None
    return str(evaluation.properties["failed_rules"])


def test_item_ids_permuted_in_the_newest_half_stopped_or_refused(films: Films) -> None:
    before = films.served()
    header, *rows = films.ratings
    split = [row.rstrip("\n").split("\t") for row in rows]
    split.sort(key=lambda row: int(row[3]))
    items = sorted({row[1] for row in split})
    shuffled = random.Random(7).sample(items, len(items))
    other = dict(zip(items, shuffled, strict=True))
    half = len(split) // 2
    poisoned = [row if place < half else [row[0], other[row[1]], *row[2:]] for place, row in enumerate(split)]
    with pytest.raises(DriftError, match="item_id"):
        films.run(ratings=[header, *("\t".join(row) + "\n" for row in poisoned)])
    assert films.served() == before


def test_catalogue_cut_in_half_stopped(films: Films) -> None:
    before = films.served()
    header, *rows = films.items
    with pytest.raises(DriftError, match="gone"):
        films.run(items=[header, *rows[::2]])
    assert films.served() == before


def _export_spoiled(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], Any]) -> None:
    """What is exported is spoiled, behind the trainer's own checks. (TFX reloads the module of `run_fn`: a name that is
    patched in there would come back.)"""
    whole = retriever.Retriever

    def spoiled(model: Any, **others: Any) -> Any:
        model.embedding.assign(spoil(model.embedding.numpy()))
        return whole(model=model, **others)

    monkeypatch.setattr(retriever, "Retriever", spoiled)


def _nan(embedding: Any) -> Any:
    return np.full_like(embedding, np.nan)


def _zero(embedding: Any) -> Any:
    return np.zeros_like(embedding)


def _same_ten_items(embedding: Any) -> Any:
    """Everybody's best are ten items: all others look away from everyone."""
    kept = embedding[:10].copy()
    others = np.zeros_like(embedding)  # of which nothing is known, and so the last of all
    others[:10] = kept
    return others


@pytest.mark.parametrize(
    ("seed", "spoil", "rule"),
    [(11, _nan, "scoreable"), (12, _zero, "better_than_popularity"), (13, _same_ten_items, "coverage")],
)
def test_spoiled_model_refused(
    films: Films, monkeypatch: pytest.MonkeyPatch, seed: int, spoil: Callable[[Any], Any], rule: str
) -> None:
    before = films.served()
    _export_spoiled(monkeypatch, spoil)
    run = films.run(seed=seed, epochs=1)
    assert not _blessed(run)
    assert rule in _failed_rules(run)
    assert films.served() == before


def _noisy(embedding: Any) -> Any:
    """A little of everything that was learned is lost."""
    noise = np.random.default_rng(0).normal(0, NOISE / np.sqrt(embedding.shape[1]), embedding.shape)
    blurred = embedding + noise
    return (blurred / np.linalg.norm(blurred, axis=1, keepdims=True)).astype(embedding.dtype)


def test_warm_started_model_a_little_worse_beyond_the_margin_refused_for_that_alone(
    films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = films.served()
    _export_spoiled(monkeypatch, _noisy)
    run = films.run(seed=14)
    assert not _blessed(run)
    assert _failed_rules(run) == "not_worse_than_last_blessed"
    assert films.served() == before


def test_eval_split_of_five_users_refused(films: Films) -> None:
    before = films.served()
    # The newest 39 of 55,375 likes are those of five users.
    run = films.run(split=Split(method="time", eval_fraction=0.00072), epochs=1)
    evaluation = run.output("ModelEvaluation")
    assert evaluation is not None
    assert evaluation.properties["users"] == 5
    assert not _blessed(run)
    assert "users" in _failed_rules(run)
    assert films.served() == before


def test_same_data_another_seed_blessed_and_pushed(films: Films) -> None:
    before = films.served()
    run = films.run(seed=5)
    assert _blessed(run), _failed_rules(run)
    assert set(before) < set(films.served())
    live = max(films.served(), key=int)
    assert live not in before
    assert [each["version"] for each in listing(str(films.serving)) if each["live"]] == [int(live)]
