"""The item-item model, by each method, keeps to what every model keeps to."""

from typing import Any, ClassVar

import pytest

from tests.trainer.models.conformance import Conformance

pytestmark = pytest.mark.e2e


class TestCosine(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {"kind": "item_item", "method": "cosine", "shrinkage": 0}


class TestDirected(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {"kind": "item_item", "method": "directed"}


class TestEase(Conformance):
    TRAINER: ClassVar[dict[str, Any]] = {"kind": "item_item", "method": "ease", "regularisation": 2}
