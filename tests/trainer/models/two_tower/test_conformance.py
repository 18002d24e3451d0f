"""The two-tower model keeps to what every model keeps to, however queries are made and negatives are sampled."""

from typing import Any, ClassVar

import pytest

from tests.trainer.models.conformance import Conformance

pytestmark = pytest.mark.e2e

_SMALL = {"embedding_dim": 8, "epochs": 12, "batch_size": 64, "learning_rate": 0.02}


class TestConformance(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = _SMALL


class TestConformanceOfAttention(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {**_SMALL, "query": "attention", "heads": 2}


class TestConformanceOfOwnHistoryTable(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {**_SMALL, "own_history_table": True, "uniform_negatives": 16}


class TestConformanceOfUniformNegatives(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {**_SMALL, "batch_negatives": False, "uniform_negatives": 32}
