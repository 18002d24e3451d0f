"""`catalogue`."""

import numpy as np
import pytest
import tensorflow as tf

from serving_signatures import catalogue
from tests.serving_signatures.conformance import EMPTY, KNOWN, UNKNOWN, SignatureConformance
from tests.serving_signatures.conftest import Served


class TestCatalogue(SignatureConformance):
    signature = catalogue.SIGNATURE
    takes = {"offset": ("int64", 0), "limit": ("int64", 0)}
    gives = {"item_id": ("string", 1), "title": ("string", 1), "total": ("int64", 0)}

    def rows(self, kind: str, n: int) -> dict[str, int]:
        # Pages take no ids: the kinds are pages at the start, in the middle and at the end.
        return {"offset": {KNOWN: 0, UNKNOWN: 5, EMPTY: 24}[kind], "limit": n}

    def expected(self, served: Served, inputs: dict[str, int]) -> dict[str, object]:
        page = served.oracle.order[inputs["offset"] :][: inputs["limit"]]
        return {
            "item_id": np.array(page, object),
            "title": np.array([b"Title of " + item for item in page], object),
            "total": len(served.oracle.order),
        }

    @pytest.mark.parametrize("limit", [0, 1, 1000, 2**63 - 1])
    @pytest.mark.parametrize("offset", [0, 20, 27, 28, 2**63 - 1])
    def test_page_beyond_the_end_is_cut(self, served: Served, offset: int, limit: int) -> None:
        self.check(served, {"offset": offset, "limit": limit})

    @pytest.mark.parametrize("inputs", [{"offset": -1, "limit": 1}, {"offset": 1, "limit": -1}])
    def test_page_below_zero_is_refused(self, served: Served, inputs: dict[str, int]) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="must not be below 0"):
            self.ask(served, **inputs)
