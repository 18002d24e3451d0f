"""The popularity model keeps to what every model keeps to."""

from typing import Any, ClassVar

import pytest

from tests.trainer.models.conformance import Conformance

pytestmark = pytest.mark.e2e


class TestConformance(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {"kind": "popularity"}
    LEARNS = False


class TestOfTheLastDays(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {"kind": "popularity", "days": 7}
    LEARNS = False
