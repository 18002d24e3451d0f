"""`catalogue`."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from serving_signatures import catalogue
from tests.serving_signatures.conformance import EMPTY, KINDS, KNOWN, UNKNOWN, SignatureConformance
from tests.serving_signatures.conftest import Served

Pages = dict[str, Sequence[int]]


class TestCatalogue(SignatureConformance):
    signature = catalogue.SIGNATURE
    takes = {"offset": ("int64", 1), "limit": ("int64", 1)}
    gives = {"item_id": ("string", 1), "title": ("string", 1), "total": ("int64", 1)}

    def rows(self, kind: str, n: int) -> Pages:
        # Pages take no ids: the kinds are pages at the start, in the middle and at the end, each of one item.
        first = {KNOWN: 0, UNKNOWN: 5, EMPTY: 24}[kind]
        return {"offset": list(range(first, first + n)), "limit": [1] * n}

    def expected(self, served: Served, inputs: Pages) -> dict[str, object]:
        order = served.oracle.order
        pages = zip(inputs["offset"], inputs["limit"], strict=True)
        listed = [item for offset, limit in pages for item in order[offset:][:limit]]
        return {
            "item_id": np.array(listed, object),
            "title": np.array([b"Title of " + item for item in listed], object),
            "total": np.full(len(listed), len(order)),
        }

    @pytest.mark.parametrize("limit", [0, 1, 1000, 2**63 - 1])
    @pytest.mark.parametrize("offset", [0, 20, 27, 28, 2**63 - 1])
    def test_page_beyond_the_end_is_cut(self, served: Served, offset: int, limit: int) -> None:
        self.check(served, {"offset": [offset], "limit": [limit]})

    def test_pages_of_any_sizes_follow_one_another(self, served: Served) -> None:
        result = self.check(served, {"offset": [20, 0, 30, 5, 20], "limit": [1000, 3, 5, 0, 1]})
        assert len(result["item_id"]) == 7 + 3 + 0 + 0 + 1

    @pytest.mark.parametrize("pages", [{"offset": [0, -1], "limit": [1, 1]}, {"offset": [1, 1], "limit": [-1, 1]}])
    def test_page_below_zero_in_any_row_is_refused(self, served: Served, pages: Pages) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="must not be below 0"):
            self.ask(served, **pages)

    @pytest.mark.parametrize("kind", KINDS)
    def test_pages_of_one_item_equal_one_page(self, served: Served, kind: str) -> None:
        several = self.ask(served, **self.rows(kind, 3))
        one = self.ask(served, offset=self.rows(kind, 1)["offset"], limit=[3])
        assert several["item_id"].tolist() == one["item_id"].tolist()
