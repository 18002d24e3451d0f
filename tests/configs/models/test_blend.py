"""What a blend may consist of, and what its parts get from it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from configs.models import AnyModel
from configs.models.blend import Blend
from configs.models.ials import Ials
from configs.models.item_item import ItemItem
from configs.models.two_tower import TwoTower

TWO = [{"kind": "item_item"}, {"kind": "two_tower", "patience": None, "epochs": 3}]


def test_parts_get_what_is_set_for_the_blend():
    blend = Blend.model_validate(
        {"parts": TWO, "seed": 5, "ordered_history": False, "eval_top_k": [3], "warm_start": 0}
    )
    for part in blend.chosen_parts:
        assert (part.seed, part.is_ordered, part.eval_top_k, part.warm_start) == (5, False, (3,), False)
    assert blend.chosen_parts[1].passes == 3


def test_order_that_the_pipeline_finds_later_reaches_the_parts():
    blend = Blend.model_validate({"parts": TWO}).model_copy(update={"ordered_history": False})
    assert {part.is_ordered for part in blend.chosen_parts} == {False}


def test_default_parts_follow_the_order_of_the_log():
    ordered, unordered = (Blend(ordered_history=is_ordered).chosen_parts for is_ordered in (True, False))
    assert any(isinstance(part, ItemItem) and part.method == "directed" for part in ordered)
    assert not any(isinstance(part, ItemItem) and part.method == "directed" for part in unordered)


def test_default_parts_have_the_recent_popularity_if_targets_are_held_out_by_time():
    by_time, newest = (Blend(ordered_history=True, validation=how).chosen_parts for how in ("time", "newest"))
    assert {part.kind for part in by_time} - {part.kind for part in newest} == {"popularity"}
    assert all(part.days for part in by_time if part.kind == "popularity")


def test_settings_read_again_after_packing_are_the_same():
    blend = Blend.model_validate({"parts": TWO, "seed": 5})
    chosen = blend.model_copy(update={"parts": blend.chosen_parts, "weights": (0.25, 0.75)})
    for each in (blend, chosen):
        assert TypeAdapter(AnyModel).validate_json(each.model_dump_json()) == each


def test_chooses_weights_in_a_cold_start_and_what_its_parts_choose():
    nothing_to_stop = (ItemItem(), Ials())
    assert Blend(parts=nothing_to_stop).chooses(is_warm=False)
    assert not Blend(parts=nothing_to_stop).chooses(is_warm=True)
    assert not Blend(parts=nothing_to_stop, weights=(1, 1)).chooses(is_warm=False)
    assert Blend(parts=(ItemItem(), TwoTower()), weights=(1, 1)).chooses(is_warm=False)


def test_passes_are_those_of_all_parts():
    assert Blend(parts=(ItemItem(), Ials(iterations=7))).passes == 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": [{"kind": "item_item"}]}, "at least 2 items"),
        ({"parts": [*TWO, {"kind": "blend"}]}, "Input tag 'blend' found"),
        ({"parts": [*TWO, {"kind": "popularity"}]}, "parts.2: popularity needs days as a part"),
        ({"parts": [{"kind": "item_item", "neighbors": 3}, TWO[1]]}, "neighbors"),
        ({"parts": TWO, "weights": [1]}, "one weight for each of the 2 parts"),
        ({"weights": [1, 1, 1, 1, 1]}, "one weight for each of the"),
        ({"parts": TWO, "weights": [0, 0]}, "one above zero"),
        ({"parts": TWO, "weights": [-1, 2]}, "greater than or equal to 0"),
        ({"parts": [{"kind": "item_item", "seed": 3}, TWO[1]]}, "parts.0.seed must be set for the blend"),
        ({"parts": [TWO[0], {"kind": "ials", "eval_top_k": [3]}], "eval_top_k": [5]}, "parts.1.eval_top_k must be set"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Blend.model_validate(settings)
