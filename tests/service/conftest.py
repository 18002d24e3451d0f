"""Fixtures of one exported model for all of the service's tests."""

import pytest

from tests.service.in_process import InProcess
from tests.serving_signatures.oracle import exported
from tests.trainer_inputs import TrainerInputs


@pytest.fixture(scope="session")
def model(shop: TrainerInputs) -> InProcess:
    """The exported model of the shop, with random weights."""
    return InProcess(exported(shop))


@pytest.fixture(scope="session")
def model_folder(shop: TrainerInputs) -> str:
    """The folder of that model; no test may change it."""
    return str(exported(shop))
