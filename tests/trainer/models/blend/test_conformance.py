"""The blend keeps to what every model keeps to."""

from typing import Any, ClassVar

import pytest

from tests.trainer.models.conformance import Conformance

pytestmark = pytest.mark.e2e


class TestConformance(Conformance):
    DEPENDS_ON_CATALOGUE = True  # scores are standardised over the catalogue
    TRAINER: ClassVar[dict[str, Any]] = {
        "kind": "blend",
        "parts": [
            {"kind": "item_item", "method": "directed"},
            {"kind": "two_tower", "embedding_dim": 8, "epochs": 12, "batch_size": 64, "learning_rate": 0.02},
            {"kind": "ials", "embedding_dim": 8},
        ],
    }
