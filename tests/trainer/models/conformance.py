"""What every kind of model keeps to. A kind's own tests inherit the class and say which settings it is tried with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf

from configs.push import ServingCheckSettings
from documents.serving_requests import ServingRequests
from pipeline.components.serving_check.process import check
from serving_signatures.export import OF_EMBEDDINGS, SIGNATURES
from serving_signatures.ranking import PADDING_SCORE
from tests.trainer_inputs import GROUP_SIZE, GROUPS, TrainerInputs, make_inputs, shop_inputs
from trainer.fn_args import FnArgs
from trainer.run_fn import run_fn

K = 30
"""More than there are items."""


def names(group: int) -> list[str]:
    """The items of one taste in the shop."""
    return [f"i{group * GROUP_SIZE + n}" for n in range(GROUP_SIZE)]


def run(
    shop: TrainerInputs, folder: Path, trainer: Mapping[str, Any], base: str | None = None, digest: str = "a"
) -> str:
    """Trains, and returns the folder of the SavedModel."""
    arguments = shop.fn_args(folder, shop.custom_config(digest, **trainer))
    run_fn(FnArgs(**{**arguments, "base_model": base}))
    return str(arguments["serving_model_dir"])


class Asked:
    """A SavedModel that is asked by id."""

    def __init__(self, folder: str) -> None:
        self._model = tf.saved_model.load(folder)
        self.ask = self._model.signatures
        total = tf.constant([1 << 40], tf.int64)
        self.items = self.ask["catalogue"](offset=tf.constant([0], tf.int64), limit=total)["item_id"].numpy().tolist()

    def recommend(
        self,
        user: str = "",
        history: Sequence[str] = (),
        weight: Sequence[float] | None = None,
        exclude: Sequence[str] = (),
        k: int = K,
    ) -> dict[bytes, float]:
        """The best items with their scores, best first."""
        found = self.ask["recommend"](
            user_id=tf.constant([user]),
            history=tf.constant([list(history)], tf.string, (1, len(history))),
            history_weight=tf.constant([weight or [1.0] * len(history)], tf.float32, (1, len(history))),
            exclude=tf.constant([list(exclude)], tf.string, (1, len(exclude))),
            k=tf.constant([k]),
        )
        pairs = zip(found["item_id"].numpy()[0].tolist(), found["score"].numpy()[0].tolist(), strict=True)
        return {item: score for item, score in pairs if item}

    def scores(self, history: Sequence[str], weight: Sequence[float]) -> np.ndarray:
        """The scores of the whole catalogue."""
        found = self.ask["scores"](
            user_id=tf.constant([""]),
            history=tf.constant([list(history)]),
            history_weight=tf.constant([list(weight)], tf.float32),
        )
        return found["score"].numpy()[0]


class Conformance:
    """Inherit it as `TestConformance`."""

    TRAINER: ClassVar[dict[str, Any]]
    """The settings; small enough for a log of some 200 rows."""

    LEARNS: ClassVar[bool] = True
    """Whether histories change what it recommends."""

    DEPENDS_ON_CATALOGUE: ClassVar[bool] = False
    """Whether an item's score depends on what other items there are."""

    @pytest.fixture(scope="class")
    def folder(self, shop: TrainerInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder of a run."""
        folder = tmp_path_factory.mktemp("conformance")
        run(shop, folder, self.TRAINER)
        return folder

    @pytest.fixture(scope="class")
    def model(self, folder: Path) -> Asked:
        return Asked(str(folder / "model" / "Format-Serving"))

    def test_signatures_are_those_of_every_model_and_of_embeddings_all_or_none(self, model: Asked) -> None:
        names = {signature.name for signature in SIGNATURES}
        assert names - OF_EMBEDDINGS <= set(model.ask) <= names
        assert len(OF_EMBEDDINGS & set(model.ask)) in (0, len(OF_EMBEDDINGS))

    def test_loaded_without_our_code_it_answers_as_it_was_trained(self, folder: Path) -> None:
        names = [signature.name for signature in SIGNATURES if signature.name not in OF_EMBEDDINGS]
        limits = ServingCheckSettings(max_p95_latency_ms=10_000)
        report = check(str(folder / "model" / "Format-Serving"), names, sorted(OF_EMBEDDINGS), limits)
        assert report.failures == ()
        stored = ServingRequests.read(str(folder / "model" / "Format-Serving"))
        assert set(report.signatures) == set(stored.signatures)

    def test_known_user_and_history_alone_get_every_other_item_best_first(self, model: Asked) -> None:
        for user, history in (("u0-0", ["i0", "i1"]), ("", ["i0", "i1"]), ("nobody", ["i0", "i1"])):
            found = model.recommend(user, history)
            assert set(found) == set(model.items) - {b"i0", b"i1"}
            assert list(found.values()) == sorted(found.values(), reverse=True)
            assert all(np.isfinite(list(found.values())))

    def test_taste_is_learned(self, model: Asked) -> None:
        if not self.LEARNS:
            assert model.recommend("", ["i0", "i1"], k=5) == model.recommend("", ["i0", "i1", "i0"], k=5)
            return
        for group in range(GROUPS):
            best = list(model.recommend("", names(group)[:4], k=4))
            assert len({item.encode() for item in names(group)} & set(best)) >= 3

    def test_nothing_and_unknown_alone_get_popular_items(self, model: Asked) -> None:
        popular = model.recommend()
        assert len(popular) == len(model.items)
        assert popular == model.recommend("nobody") == model.recommend("", ["no such item"])
        np.testing.assert_allclose(sum(popular.values()), 1.0, rtol=1e-5)  # shares of the interactions

    def test_cold_items_in_the_history_and_in_the_list_are_no_trouble(self, model: Asked) -> None:
        assert b"bare" in model.recommend("", ["i0"])
        assert set(model.recommend("", ["new", "bare"])) == set(model.items) - {b"new", b"bare"}

    def test_unknown_items_beside_known_ones_change_nothing(self, model: Asked) -> None:
        assert model.recommend("", ["i3", "no such item", "i4"]) == model.recommend("", ["i3", "i4"])

    def test_excluded_items_do_not_come_and_the_rest_keeps_its_scores(self, model: Asked) -> None:
        whole = model.recommend("u1-1", ["i9"])
        gone = list(whole)[:3]
        rest = model.recommend("u1-1", ["i9"], exclude=[item.decode() for item in gone])
        assert rest == {item: score for item, score in whole.items() if item not in gone}

    def test_scores_do_not_depend_on_the_scale_of_the_weights(self, model: Asked) -> None:
        history, weight = ["i1", "i9", "i17"], np.array([1.0, 2.0, 6.0])
        usual = model.scores(history, weight.tolist())
        for scale in (1e-30, 1e-3, 1e30):
            np.testing.assert_allclose(model.scores(history, (scale * weight).tolist()), usual, rtol=1e-4, atol=1e-5)

    def test_similar_items_are_others_best_first_and_none_for_the_unknown(self, model: Asked) -> None:
        asked = tf.constant(["i0", "no such item"])
        found = model.ask["similar_items"](item_id=asked, k=tf.constant([K, K]))
        known = [item for item in found["item_id"].numpy()[0].tolist() if item]
        assert b"i0" not in known
        assert len(known) == len(set(known))
        score = found["score"].numpy()
        assert (np.diff(score[0]) <= 0).all()
        assert set(found["item_id"].numpy()[1].tolist()) == {b""}
        assert (score[1] == PADDING_SCORE).all()
        if self.LEARNS:
            assert len({item.encode() for item in names(0)} & set(known[:4])) >= 3

    def test_same_seed_gives_the_same_answers(self, shop: TrainerInputs, model: Asked, tmp_path: Path) -> None:
        again = Asked(run(shop, tmp_path, self.TRAINER))
        for user, history in (("u0-0", ["i0", "i1"]), ("", ["i20", "i9"])):
            assert again.recommend(user, history) == model.recommend(user, history)

    def test_next_model_takes_a_vocabulary_that_grew_and_shrank(self, folder: Path, tmp_path: Path) -> None:
        train = {f"v{n}": [f"i{(n + m) % 6}" for m in range(4)] + ["brand new"] for n in range(12)}
        items: dict[str, dict[str, Any]] = {item: {} for item in [*(f"i{n}" for n in range(6)), "brand new"]}
        shop = make_inputs(tmp_path / "data", train, {user: ["i5"] for user in train}, items)
        base = str(folder / "model" / "Format-Serving")
        found = Asked(run(shop, tmp_path, self.TRAINER, base, digest="b")).recommend("v0", ["i0"])
        assert set(found) == {item.encode() for item in items} - {b"i0"}
        report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
        assert report["base_model"] == str(folder / "model")

    def test_refresh_takes_new_items_in_and_leaves_the_others_as_they_are(
        self, folder: Path, model: Asked, tmp_path: Path
    ) -> None:
        shop = shop_inputs(tmp_path / "data", {"novel": {"genre": ["g0"]}})
        base = str(folder / "model" / "Format-Serving")
        refreshed = Asked(run(shop, tmp_path, {**self.TRAINER, "learn": False}, base, digest="b"))
        for user, history in (("u0-0", ["i0", "i1"]), ("", ["i20", "i9"]), ("", [])):
            found, usual = refreshed.recommend(user, history), model.recommend(user, history)
            assert b"novel" in found
            del found[b"novel"]
            assert found.keys() == usual.keys()
            if self.DEPENDS_ON_CATALOGUE:
                assert list(found)[:5] == list(usual)[:5]
            else:
                np.testing.assert_allclose([found[item] for item in usual], list(usual.values()), rtol=1e-3, atol=1e-4)

    def test_log_of_one_user_makes_a_model(self, tmp_path: Path) -> None:
        *met, target = items = list("abcdefghi")
        shop = make_inputs(tmp_path / "data", {"u": met}, {"u": [target]}, {item: {} for item in items})
        found = Asked(run(shop, tmp_path, self.TRAINER)).recommend("u", ["a"])
        assert set(found) == {item.encode() for item in items[1:]}
