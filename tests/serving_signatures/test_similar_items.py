"""`similar_items`."""

from typing import Any

import numpy as np

from serving_signatures import similar_items
from tests.serving_signatures.conformance import RankingConformance
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.oracle import DIM
from tests.serving_signatures.test_embeddings import ITEMS
from tests.serving_signatures.test_recommend import encode


class TestSimilarItems(RankingConformance):
    signature = similar_items.SIGNATURE
    takes = {"item_id": ("string", 1), "k": ("int32", 1)}
    gives = {"item_id": ("string", 2), "score": ("float32", 2), "known": ("bool", 1)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {"item_id": ITEMS[kind][:n], "k": [5, 1, 4][:n]}

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        oracle, items, scores = served.oracle, [], []
        width = min(max(inputs["k"], default=0), len(oracle.order))
        for item, k in zip(encode(inputs["item_id"]), inputs["k"], strict=True):
            vector = oracle.items.get(item, np.zeros(DIM))
            ranked = oracle.ranking(vector, [item], k, width) if vector.any() else oracle.padded([], width)
            items.append(ranked[0])
            scores.append(ranked[1])
        return {
            "item_id": np.array(items, object).reshape(len(items), width),
            "score": np.array(scores, np.float32).reshape(len(items), width),
            "known": [item in oracle.items for item in encode(inputs["item_id"])],
        }

    def test_twin_comes_first_and_the_item_itself_not_at_all(self, served: Served) -> None:
        result = self.check(served, {"item_id": ["i5"], "k": [1000]})
        assert result["item_id"][0, 0] == b"i20"
        assert np.isclose(result["score"][0, 0], 1)
        assert b"i5" not in result["item_id"][0]

    def test_item_without_embedding_is_last(self, served: Served) -> None:
        result = self.check(served, {"item_id": ["i5"], "k": [1000]})
        real = [item for item in result["item_id"][0] if item]
        assert real[-1] == b"bare"
