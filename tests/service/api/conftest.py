"""A second model of the small shop, for tests that swap versions."""

from pathlib import Path

import pytest

from documents.provenance import Provenance
from serving_signatures.export import export_model
from tests.once import once
from tests.serving_signatures.oracle import make_retriever
from tests.trainer_inputs import TrainerInputs


@pytest.fixture(scope="session")
def turned(shop: TrainerInputs) -> Path:
    """Another model of the same shop: its items are each other's, so that it answers otherwise."""

    def make(folder: Path) -> None:
        retriever = make_retriever(shop)[0]
        retriever.model.embedding.assign(retriever.model.embedding.numpy()[::-1])
        export_model(retriever, str(folder / "model"), Provenance(pipeline="shop"))

    return once("turned-shop", make) / "model"
