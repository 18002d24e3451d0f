"""How a blend is trained: what its parts get and keep, how weights are chosen, and when they are kept."""

from pathlib import Path

import numpy as np
import pytest

from configs.models.blend import Blend
from configs.models.ials import Ials
from configs.models.item_item import ItemItem
from documents.metrics import HeldOutCounts, TrainingMetrics
from tests.trainer.worlds import grouped_world
from trainer.choosing import choose_and_fit, evaluator_of
from trainer.data import TrainingData
from trainer.fitting import Fitted, Training, modules_of
from trainer.models.blend.fit import architecture, fit
from trainer.models.blend.parts import base_of
from trainer.models.blend.weighing import chosen_weights
from trainer.popularity import popularity_shares
from trainer.warm_state import WarmState

SETTINGS = Blend(
    parts=(ItemItem(method="cosine"), Ials(embedding_dim=4, iterations=3)), ordered_history=False, eval_top_k=(3, 5)
)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    train, held_out, candidates = grouped_world()
    items = [str(item).encode() for item in range(30)]
    popularity = popularity_shares(train, 30)
    return TrainingData(train, held_out, candidates, popularity, [b"u%d" % n for n in range(60)], items, {})


def training(data: TrainingData, folder: Path, base: WarmState | None = None, told: list | None = None) -> Training:
    def begin(carried, passes):
        if told is not None:
            told.append((dict(carried), passes))

    return Training(data, evaluator_of(data, SETTINGS, "everything"), False, base, begin, str(folder))


def weights_of(fitted: Fitted) -> list[float]:
    assert isinstance(fitted.settings, Blend)
    return list(fitted.settings.weights or ())


def state_of(fitted: Fitted) -> WarmState:
    counts = HeldOutCounts(users=1, users_before_cut=1, targets=1, targets_met=0, targets_outside_catalogue=0)
    metrics = TrainingMetrics(epochs=(), model={}, popularity={}, evaluated=counts)
    return WarmState(architecture(SETTINGS), fitted.tables, fitted.arrays, metrics, "")


def test_weights_are_chosen_and_the_second_training_uses_them(data, tmp_path):
    told: list = []
    outcome = choose_and_fit(training(data, tmp_path, told=told), SETTINGS, "everything")
    weights = weights_of(outcome.fitted)
    assert outcome.choice is not None
    assert sum(weights) == pytest.approx(1)
    assert outcome.choice.settings["weights"] == weights
    np.testing.assert_allclose(outcome.fitted.arrays["weights"], weights, rtol=1e-6)
    trained = [name for name, weight in zip(("0_item_item", "1_ials"), weights, strict=True) if weight]
    assert [passes for _, passes in told] == [{"0_item_item": 1, "1_ials": 3}[trained[0]] if len(trained) == 1 else 4]


def test_chosen_blend_is_not_worse_than_its_parts(data, tmp_path):
    evaluator = evaluator_of(data, SETTINGS, "everything")
    equal = fit(training(data, tmp_path), SETTINGS)
    parts = {str(n): part for n, part in enumerate(equal.model.parts)}
    weights = chosen_weights(parts, evaluator)
    blend = fit(training(data, tmp_path), SETTINGS.model_copy(update={"weights": weights}))
    metric = evaluator.choosing_metric
    alone = [evaluator.evaluate(part.scores)[metric] for part in parts.values()]
    assert evaluator.evaluate(blend.model.scores)[metric] >= max(alone) - 1e-9


def test_weights_that_cannot_be_chosen_are_equal(data, tmp_path):
    assert weights_of(fit(training(data, tmp_path), SETTINGS)) == [0.5, 0.5]


def test_begin_is_told_once_with_the_rows_of_all_parts(data, tmp_path):
    told: list = []
    fit(training(data, tmp_path, told=told), SETTINGS)
    ((carried, passes),) = told
    assert (carried["1_ials/item_factor"].new, passes) == (30, 4)


def test_warm_start_keeps_weights_and_gives_each_part_its_own(data, tmp_path):
    first = fit(training(data, tmp_path), SETTINGS.model_copy(update={"weights": (0.2, 0.8)}))
    base = state_of(first)
    of_ials, name = base_of("1_ials", base), "item_factor"
    assert of_ials is not None
    np.testing.assert_array_equal(of_ials.tables[name].values, first.tables[f"1_ials/{name}"].values)
    assert base_of("0_item_item", base) is None
    warm = fit(training(data, tmp_path, base), SETTINGS)
    assert weights_of(warm) == pytest.approx([0.2, 0.8])
    assert warm.carried["1_ials/item_factor"].carried == 30


def test_part_of_weight_zero_is_not_trained_and_may_come_back_cold(data, tmp_path):
    only = fit(training(data, tmp_path), SETTINGS.model_copy(update={"weights": (1.0, 0.0)}))
    assert not only.tables
    both = fit(training(data, tmp_path, state_of(only)), SETTINGS.model_copy(update={"weights": (0.5, 0.5)}))
    assert both.carried["1_ials/item_factor"].carried == 0
    assert len(both.model.parts) == 2


def test_architecture_names_the_parts_and_modules_hold_their_code():
    assert "0_item_item (item-item" in architecture(SETTINGS)
    other = SETTINGS.model_copy(update={"parts": (ItemItem(method="cosine"), Ials(embedding_dim=8))})
    assert architecture(other) != architecture(SETTINGS)
    assert modules_of(SETTINGS) == tuple(f"trainer.models.{kind}.fit" for kind in ("blend", "item_item", "ials"))
