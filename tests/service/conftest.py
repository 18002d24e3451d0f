"""Fixtures of the service's tests: a model, its stored requests, and a server of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from documents.serving_requests import ServingRequests
from pipeline.components.serving_check.replay import array
from tests.service.model_server import ModelServer, serving
from tests.serving_signatures.oracle import exported
from tests.trainer_inputs import TrainerInputs

NEWEST, OLDER = 7, 3
"""Versions of the model server; both are the same model."""


@pytest.fixture(scope="session")
def version_folder(shop: TrainerInputs) -> str:
    """The folder of the shop's exported model."""
    return str(exported(shop))


@pytest.fixture(scope="session")
def stored_requests(version_folder: str) -> list[Any]:
    """The requests that the model carries: signature, inputs by name, and outputs as they are stored."""
    stored = ServingRequests.read(version_folder).model_dump(mode="json")["requests"]
    return [
        (each["signature"], {name: array(form) for name, form in each["inputs"].items()}, each["outputs"])
        for each in stored
    ]


@pytest.fixture(scope="session")
def model_server(version_folder: str) -> Iterator[ModelServer]:
    """A model process at a port of the loopback, with two versions and a label."""
    versions = [f"{OLDER}={version_folder}", f"{NEWEST}={version_folder}", "--label", f"stable={OLDER}"]
    with serving("localhost:0", *versions) as server:
        yield server
