"""Fixtures that several packages share."""

import pytest

from tests.trainer_inputs import TrainerInputs, shop_inputs


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TrainerInputs:
    """The small shop of `tests.trainer_inputs`, transformed once."""
    return shop_inputs(tmp_path_factory.mktemp("shop"))
