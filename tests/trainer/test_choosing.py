"""What a training chose, as it is told."""

from configs.models import Blend, Ials, TwoTower
from trainer.choosing import changed


def test_changed_names_what_has_another_value_and_is_not_none() -> None:
    before, after = TwoTower(epochs=20, patience=2), TwoTower(epochs=7, patience=None)
    assert changed(before.model_dump(mode="json"), after.model_dump(mode="json")) == {"epochs": 7}


def test_changed_looks_into_the_parts_of_a_blend_given_or_not() -> None:
    for parts in ((TwoTower(), Ials()), None):
        before = Blend(parts=parts, seed=3)
        chosen = (TwoTower(epochs=7, patience=None, seed=3), Ials(seed=3))
        after = Blend(parts=chosen, weights=(0.8, 0.2), seed=3)
        found = changed(before.model_dump(mode="json"), after.model_dump(mode="json"))
        assert found == {"parts.0.epochs": 7, "weights": [0.8, 0.2]}
