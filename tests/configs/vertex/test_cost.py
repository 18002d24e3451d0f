import pytest
from pydantic import ValidationError

from configs.vertex.cost import Prices


@pytest.mark.parametrize("prices", ["accelerator_hour", "machine_hour"])
def test_cost_negative_price_is_refused(prices: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Prices.model_validate({"cpu_hour": 1, "gb_hour": 1, prices: {"x": -500.0}})
