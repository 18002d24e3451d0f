"""Settings by dotted names."""

import pytest

from common.errors import TrainingError
from configs.base import Settings
from configs.models import Ials, TwoTower
from trainer.tuning.values import values_of, with_values


class Nested(Settings):
    """Settings with parts, as a model that is made of others has them."""

    parts: tuple[TwoTower | Ials, ...] = (TwoTower(), Ials(kind="ials"))
    weight: float = 0.5


def test_values_of_and_with_values_reach_into_lists() -> None:
    made = with_values(Nested(), {"parts.0.temperature": 0.1, "parts.1.embedding_dim": 32, "weight": 1}, "the values")
    assert made.parts == (TwoTower(temperature=0.1), Ials(embedding_dim=32))
    assert values_of(made, ["parts.0.temperature", "weight"]) == {"parts.0.temperature": 0.1, "weight": 1.0}
    assert Nested().parts[0] == TwoTower()


@pytest.mark.parametrize("name", ["parts.2.temperature", "parts.x.temperature", "parts.0.heat", "weight.0", "heat", ""])
def test_name_of_no_setting_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(TrainingError, match=f"the values hold {name}, which is no setting"):
        values_of(Nested(), [name], "the values")
